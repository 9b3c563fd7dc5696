import { type EntityName } from '@mikro-orm/core';
import { HistoryCheck } from '@coordination/catalog';
import { Databases } from '@coordination/database';
import { systemClock } from '@coordination/kernel';
import { NodeRoleRepository } from '@coordination/leadership';
import {
  LOG_ENTITIES,
  CatalogHeadRepository,
  EpochLogRepository,
  LogCutRepository,
  ServiceEventRepository,
} from '@coordination/log';
import { Metrics } from '@coordination/observability';
import { Scheduler } from '@coordination/scheduling';
import {
  CatalogWriter,
  type Command,
  REGISTRY_ENTITIES,
  ServiceInstanceRepository,
  type WriteResult,
} from '@coordination/registry';
import {
  AnswerRecall,
  type AppendWay,
  BatchAnswers,
  BatchPlanner,
  BatchStore,
  CachedCatalog,
  CommitSettlement,
  EnsuredPartitions,
  ExpiryContext,
  IdempotencyKeyRepository,
  InstanceLeaseRepository,
  LockedAppend,
  OptimisticAppend,
  OptimisticAppendRepository,
  PredictedHead,
  WriteQueue,
  type WriteSettings,
  WriterMetrics,
} from '@coordination/registry/testing';
import { NO_STALLS } from '@coordination/scheduling';
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
  /** Requests under keys that had been used. */
  readonly reuses: readonly ('replayed' | 'mismatch')[];
  /** Submits commands as one request. */
  submit(...commands: readonly Command[]): Promise<WriteResult>;
  /** Waits for what is under way, and closes the connections. */
  close(): Promise<void>;
}

/** Keeps what the writer counts. */
class WriterRecord extends WriterMetrics {
  readonly batches: number[] = [];
  readonly ways: AppendWay[] = [];
  readonly reusedKeys: ('replayed' | 'mismatch')[] = [];

  override startBatch(): ReturnType<WriterMetrics['startBatch']> {
    return (outcome, changes) => void this.batches.push(outcome === 'committed' ? changes : -1);
  }

  override repeated(outcome: 'replayed' | 'mismatch'): void {
    this.reusedKeys.push(outcome);
  }

  override appended(way: AppendWay): void {
    this.ways.push(way);
  }
}

/** How long (ms) a transaction may take on a machine that is busy or stops for seconds; the default would end it. */
const PATIENT_MS = 20_000;

/** A writer with its connections, as a node of the service has one. */
export async function startWriter(
  url: string,
  options: Partial<WriteSettings> = {},
  entities: readonly EntityName<object>[] = [],
): Promise<WritingNode> {
  const databases = await Databases.open({
    url,
    ssl: 'off',
    poolMax: 5,
    entities: [...LOG_ENTITIES, ...REGISTRY_ENTITIES, ...entities],
  });
  const settings = { maxBatchChanges: 512, maxQueuedCommands: 10_000, headHoldLimitMs: PATIENT_MS, ...options };
  const catalog = new SwitchableCatalog();
  const heads = new CatalogHeadRepository();
  const history = new HistoryCheck(heads, new EpochLogRepository(), catalog, new LogCutRepository());
  const events = new ServiceEventRepository();
  const metrics = new Metrics();
  const record = new WriterRecord(metrics);
  const predicted = new PredictedHead(systemClock);
  const partitions = new EnsuredPartitions(events);
  const cached = new CachedCatalog(catalog, history, predicted);
  const scheduler = new Scheduler();
  const planner = new BatchPlanner(scheduler, settings);
  const appends = new OptimisticAppendRepository(databases, settings);
  const expiry = new ExpiryContext(new InstanceLeaseRepository(), new NodeRoleRepository());
  const keys = new IdempotencyKeyRepository(24);
  const store = new BatchStore(expiry, keys, new ServiceInstanceRepository(), events, partitions, planner);
  const writer = new CatalogWriter(
    new WriteQueue(settings, metrics, NO_STALLS),
    new OptimisticAppend(cached, planner, appends, partitions, record),
    new LockedAppend(databases, history, store, predicted, record, settings),
    new CommitSettlement(databases, heads, events, settings),
    new BatchAnswers(catalog, history, new AnswerRecall(databases, events), record, scheduler),
    record,
  );
  const { batches, ways, reusedKeys: reuses } = record;
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
