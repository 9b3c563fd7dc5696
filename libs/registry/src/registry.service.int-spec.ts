import { CatalogHeadRepository, ReadIndex } from '@coordination/log';
import { InstanceNotFoundError, newId, StoreUnavailableError, systemClock } from '@coordination/kernel';
import { type RequestContext } from '@coordination/context';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aTask } from '../../../test/support/nodes/background-tasks.js';
import { anOrigin, registerCommand } from '../../../test/support/catalog/factories.js';
import { createTestDatabase, type TestDatabase } from '../../../test/support/database/test-database.js';
import { startWriter, type WritingNode } from '../../../test/support/catalog/writer.js';
import { InstanceLeaseRepository } from './leases/instance-lease.repository.js';
import { LeaseRenewals } from './leases/lease-renewals.js';
import { ProbePolicy } from './domain/probe-policy.js';
import { RegistryService } from './registry.service.js';
import { ServiceInstanceRepository } from './store/service-instance.repository.js';

let database: TestDatabase;
let node: WritingNode;

beforeAll(async () => {
  database = await createTestDatabase();
  node = await startWriter(database.url);
});

afterAll(async () => {
  await node.close();
  await database.drop();
});

/** The registry of the node, which finds instances in its own way. */
function registry(instances = new ServiceInstanceRepository()): RegistryService {
  const { databases, writer, catalog } = node;
  return new RegistryService({
    writer,
    renewals: new LeaseRenewals(
      { databases, leases: new InstanceLeaseRepository(), clock: systemClock, task: aTask('lease-flush') },
      1_000,
    ),
    catalog,
    readIndex: new ReadIndex(() => new CatalogHeadRepository().readTimed(databases.em('writer'))),
    databases,
    instances,
    context: { origin: anOrigin } as RequestContext,
    metrics: { registered: () => undefined },
    probePolicy: new ProbePolicy([]),
  });
}

describe('Reading one instance', () => {
  it('is of one moment: the catalog that it names has the instance as it is answered', async () => {
    const { results } = await node.submit(registerCommand());
    const target = { id: results[0]!.leased!.instance.id };
    const seen = new Set<number>();
    const ending = new AbortController();
    const changing = (async () => {
      for (let weight = 1; !ending.signal.aborted; weight = 1 + (weight % 1_000)) {
        await node.submit({ kind: 'patch', target, patch: { weight } });
      }
    })();
    try {
      while (seen.size < 50) {
        // Nothing else changes, so the newest change is that of the instance.
        const { leased, revision } = await registry().getOrFail(target);
        expect(leased.instance.revision).toBe(revision);
        seen.add(revision);
      }
    } finally {
      ending.abort();
      await changing;
    }
  });

  it('does not believe a server that is in recovery, which may not have heard of it', async () => {
    class OnStandby extends ServiceInstanceRepository {
      override async findAtHead(...parameters: Parameters<ServiceInstanceRepository['findAtHead']>) {
        return { ...(await super.findAtHead(...parameters)), inRecovery: true };
      }
    }
    await expect(registry(new OnStandby()).getOrFail({ id: newId() })).rejects.toThrow(StoreUnavailableError);
    await expect(registry().getOrFail({ id: newId() })).rejects.toThrow(InstanceNotFoundError);
  });
});
