import { InstanceNotFoundError, newId, StoreUnavailableError } from '@coordination/kernel';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { registerCommand } from '../../../test/support/catalog/factories.js';
import { type WritingNode } from '../../../test/support/catalog/writer.js';
import { createWrittenDatabase, type WrittenDatabase } from '../../../test/support/catalog/written-database.js';
import { RegistryReads } from './registry-reads.service.js';
import { ServiceInstanceRepository } from './store/service-instance.repository.js';

let written: WrittenDatabase;
let node: WritingNode;

beforeAll(async () => {
  written = await createWrittenDatabase();
  ({ node } = written);
});

afterAll(() => written.close());

/** The reads of the node, which find instances in their own way. */
const reads = (instances = new ServiceInstanceRepository()): RegistryReads =>
  new RegistryReads(node.databases, instances);

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
        const { leased, revision } = await reads().getOrFail(target);
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
    await expect(reads(new OnStandby()).getOrFail({ id: newId() })).rejects.toThrow(StoreUnavailableError);
    await expect(reads().getOrFail({ id: newId() })).rejects.toThrow(InstanceNotFoundError);
  });
});
