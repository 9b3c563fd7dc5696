import { type EntityName } from '@mikro-orm/core';
import {
  LOG_ENTITIES,
  CatalogHeadRepository,
  EpochLogRepository,
  LogCutRepository,
  ServiceEventRepository,
} from '@coordination/log';
import { Databases } from '@coordination/database';
import { systemClock } from '@coordination/kernel';
import {
  AnswerRecall,
  type AppendWay,
  CatalogWriter,
  type CatalogWriterOptions,
  IdempotencyKeyRepository,
  InstanceLeaseRepository,
  OptimisticAppendRepository,
  REGISTRY_ENTITIES,
  ServiceInstanceRepository,
  type WriteResult,
} from '@coordination/registry';
import { HistoryCheck } from '@coordination/catalog';
import { NodeRoleRepository } from '@coordination/leadership';
import { type Command } from '@coordination/registry/testing';
import { anOrigin } from './factories.js';
import { SwitchableCatalog } from './switchable-catalog.js';

/** What a node that does nothing but write consists of. */
export interface WritingNode {
  readonly writer: CatalogWriter;
  readonly databases: Databases;
  readonly catalog: SwitchableCatalog;
  readonly history: HistoryCheck;
  /** The size of each batch in events, in the order of their ends; -1: the batch failed. */
  readonly batches: readonly number[];
  /** How they were appended, each try. */
  readonly ways: readonly AppendWay[];
  /** What was told of requests under keys that had been used. */
  readonly reuses: readonly ('replayed' | 'mismatch')[];
  /** Submits commands as one request. */
  submit(...commands: readonly Command[]): Promise<WriteResult>;
  /** Waits for what is under way, and closes the connections. */
  close(): Promise<void>;
}

/** A writer with its connections, as a node of the service has one. */
export async function startWriter(
  url: string,
  options: Partial<CatalogWriterOptions> = {},
  entities: readonly EntityName<object>[] = [],
): Promise<WritingNode> {
  const databases = await Databases.open({
    url,
    ssl: 'off',
    poolMax: 5,
    entities: [...LOG_ENTITIES, ...REGISTRY_ENTITIES, ...entities],
  });
  const catalog = new SwitchableCatalog();
  const heads = new CatalogHeadRepository();
  const history = new HistoryCheck(heads, new EpochLogRepository(), catalog, new LogCutRepository());
  const events = new ServiceEventRepository();
  const batches: number[] = [];
  const ways: AppendWay[] = [];
  const reuses: ('replayed' | 'mismatch')[] = [];
  const writer = new CatalogWriter(
    {
      databases,
      heads,
      events,
      instances: new ServiceInstanceRepository(),
      knownAppends: new OptimisticAppendRepository(),
      leases: new InstanceLeaseRepository(),
      roles: new NodeRoleRepository(),
      keys: new IdempotencyKeyRepository(24),
      recall: new AnswerRecall({ databases, events }),
      catalog,
      history,
      clock: systemClock,
      metrics: {
        appended: way => ways.push(way),
        startBatch: () => (outcome, changes) => batches.push(outcome === 'committed' ? changes : -1),
        repeated: outcome => reuses.push(outcome),
      },
    },
    { maxBatchChanges: 512, maxQueuedCommands: 10_000, headHoldLimitMs: 2_000, ...options },
  );
  return {
    writer,
    databases,
    catalog,
    history,
    batches,
    ways,
    reuses,
    submit: (...commands) => writer.submit({ commands, origin: anOrigin() }),
    async close() {
      await writer.idle();
      await databases.close();
    },
  };
}
