import { CatalogView } from '@coordination/catalog';
import { Databases } from '@coordination/database';
import { InstanceNotFoundError, newId, StoreUnavailableError, systemClock } from '@coordination/kernel';
import { LOG_ENTITIES } from '@coordination/log';
import {
  type LeaseRenewals,
  REGISTRY_ENTITIES,
  type RegistryService,
  ServiceInstanceRepository,
} from '@coordination/registry';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { anIdentity, registerCommand } from '../../../../test/support/catalog/factories.js';
import { startWriter, type WritingNode } from '../../../../test/support/catalog/writer.js';
import { PostgresProxy } from '../../../../test/support/database/postgres-proxy.js';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database/test-database.js';
import { HeartbeatsService } from './heartbeats.service.js';

let database: TestDatabase;
/** Another node, which registers instances. */
let other: WritingNode;
let proxy: PostgresProxy;
let databases: Databases;
let renewed: string[];

beforeAll(async () => {
  database = await createTestDatabase();
  other = await startWriter(database.url);
  proxy = await PostgresProxy.start(database.url);
  const entities = [...LOG_ENTITIES, ...REGISTRY_ENTITIES];
  databases = await Databases.open({ url: proxy.url, ssl: 'off', poolMax: 1, entities });
});

afterAll(async () => {
  await databases.close();
  await proxy.shut();
  await other.close();
  await database.drop();
});

beforeEach(() => {
  renewed = [];
  proxy.statements.length = 0;
});

/** A view that does not know any instance. */
class EmptyView extends CatalogView {
  override assertReadable(): void {
    // Like a view that is loaded and current.
  }
}

/** The database as a standby returns it. */
class OnStandby extends ServiceInstanceRepository {
  override async findAtHead(...parameters: Parameters<ServiceInstanceRepository['findAtHead']>) {
    return { ...(await super.findAtHead(...parameters)), inRecovery: true };
  }

  override async incarnations(...parameters: Parameters<ServiceInstanceRepository['incarnations']>) {
    return { ...(await super.incarnations(...parameters)), inRecovery: true };
  }
}

/** The heartbeats of a node that has not heard of any instance. */
function heartbeats(instances = new ServiceInstanceRepository()): HeartbeatsService {
  const view = new EmptyView(systemClock, { stalenessLimitSeconds: 600 });
  const renewals = { isGone: () => false, renew: (id: string) => void renewed.push(id) } as unknown as LeaseRenewals;
  const registry = {
    heartbeatMany: (named: readonly { id: string }[]) => {
      renewed.push(...named.map(({ id }) => id));
      return Promise.resolve({ revision: 1, epoch: newId(), results: named.map(() => ({ outcome: 'unchanged' })) });
    },
  } as unknown as RegistryService;
  return new HeartbeatsService(view, registry, renewals, databases, instances);
}

async function registered(instanceId: string): Promise<string> {
  const { results } = await other.submit(registerCommand({ identity: anIdentity({ instanceId }) }));
  return results[0]!.leased!.instance.id;
}

describe('A heartbeat for an instance that the node does not know', () => {
  it('is one statement, by id or by name, whether the instance exists or not', async () => {
    const id = await registered('one');
    await heartbeats().renew({ id });
    await heartbeats().renew({ identity: anIdentity({ instanceId: 'one' }) });
    expect(renewed).toEqual([id, id]);
    for (const target of [{ id: newId() }, { identity: anIdentity({ instanceId: 'nobody' }) }])
      await expect(heartbeats().renew(target)).rejects.toThrow(InstanceNotFoundError);
    expect(proxy.statements, 'a transaction would be further statements').toHaveLength(4);
  });

  it('is one statement for all instances of a bulk renewal', async () => {
    const ids = [await registered('bulk-1'), await registered('bulk-2')];
    const strangers = [newId(), newId()];
    const { notFound } = await heartbeats().renewMany([...ids, ...strangers].map(id => ({ id })));
    expect([renewed, notFound]).toEqual([ids, strangers]);
    expect(proxy.statements).toHaveLength(1);
  });

  it('is not answered from a standby, which may lack the registration', async () => {
    const standby = heartbeats(new OnStandby());
    await expect(standby.renew({ id: newId() })).rejects.toThrow(StoreUnavailableError);
    await expect(standby.renewMany([{ id: newId() }])).rejects.toThrow(StoreUnavailableError);
  });
});
