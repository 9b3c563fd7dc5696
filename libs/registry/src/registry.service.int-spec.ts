import { CatalogHeadRepository, ReadIndex } from '@coordination/audit';
import { read } from '@coordination/database';
import { systemClock } from '@coordination/kernel';
import { type RequestContext } from '@coordination/context';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { anOrigin, registerCommand } from '../../../test/support/factories.js';
import { createTestDatabase, type TestDatabase } from '../../../test/support/test-database.js';
import { startWriter, type WritingNode } from '../../../test/support/writer.js';
import { InstanceLeaseRepository } from './instance-lease.repository.js';
import { LeaseRenewals } from './lease-renewals.js';
import { ProbePolicy } from './domain/probe-policy.js';
import { RegistryService } from './registry.service.js';
import { ServiceInstanceRepository } from './service-instance.repository.js';

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

/** The registry, with a change of the instance made after each part of a question that it asks the database. */
function overtaken(target: { readonly id: string }): RegistryService {
  const { databases, writer, mirror } = node;
  let weight = 0;
  const overtake = async <T>(answer: T): Promise<T> => {
    await node.submit({ kind: 'patch', target, patch: { weight: ++weight } });
    return answer;
  };
  class Heads extends CatalogHeadRepository {
    override async find(...parameters: Parameters<CatalogHeadRepository['find']>) {
      return await overtake(await super.find(...parameters));
    }
  }
  const heads = new Heads();
  const leases = new InstanceLeaseRepository();
  return new RegistryService({
    writer,
    renewals: new LeaseRenewals({ databases, leases, clock: systemClock }, 1_000),
    mirror,
    heads,
    readIndex: new ReadIndex(() => read(databases, em => heads.read(em))),
    databases,
    instances: new ServiceInstanceRepository(),
    context: { origin: anOrigin } as RequestContext,
    clock: systemClock,
    metrics: { registered: () => undefined },
    probePolicy: new ProbePolicy([]),
  });
}

describe('Reading one instance', () => {
  it('is of one moment: the catalog that it names has the instance as it is answered', async () => {
    const { results } = await node.submit(registerCommand());
    const target = { id: results[0]!.leased!.instance.id };
    const { leased, head } = await overtaken(target).getOrFail(target);
    expect(leased.instance.revision).toBe(head.revision);
  });
});
