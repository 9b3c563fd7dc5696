import { type CatalogHeadRepository, type ServiceEventRepository } from '@coordination/log';
import { type Databases, DoubtfulCommitError, withSilenceTimeout } from '@coordination/database';
import { type Clock, newId, OutcomeUnknownError, StoreUnavailableError } from '@coordination/kernel';
import { type EntityManager } from '@mikro-orm/postgresql';
import { type HistoryCheck, type LocalCatalog } from '@coordination/catalog';
import { type NodeRoleRepository } from '@coordination/leadership';
import { targetOf } from '../domain/commands.js';
import { type AnswerRecall } from '../idempotency/answer-recall.js';
import { requestKeyOf } from '../idempotency/first-answers.js';
import { type IdempotencyKeyRepository } from '../idempotency/idempotency-key.repository.js';
import { type InstanceLeaseRepository } from '../leases/instance-lease.repository.js';
import { type ServiceInstanceRepository } from '../store/service-instance.repository.js';
import { BatchAnswers, type PlacedPlan, revisionAfter } from './batch-answers.js';
import { wasCommitted } from './commit-settlement.js';
import { readExpiryContext } from './expiry-context.js';
import { PredictedHead } from './optimistic/predicted-head.js';
import { type OptimisticAppendRepository } from './optimistic/optimistic-append.repository.js';
import { CachedCatalog } from './optimistic/cached-catalog.js';
import { type BatchLimits, planBatch } from './plan-batch.js';
import { isRefusal } from './constraint-violations.js';
import { toCallerError } from './to-caller-error.js';
import { type PendingWrite, WriteQueue } from './write-queue.js';
import { type WriteRequest, type WriteResult } from '../requests/write-request.js';
import { type WriterMetrics } from './writer-metrics.js';

/** The most bytes, with the instances before their changes, that a batch carries; its first request excepted. */
const MAX_BATCH_BYTES = 4 * 1024 * 1024;

/** Room (revisions) that the log's partitions must have beyond the head, so that they are made long before they are needed. */
const LOG_ROOM = 500_000;

/** A batch that takes this many times the limit of holding the head has lost its server. */
const BATCH_TIME_FACTOR = 5;

/** What the writer works with. */
export interface CatalogWriterTools {
  readonly databases: Databases;
  readonly heads: CatalogHeadRepository;
  readonly events: ServiceEventRepository;
  readonly instances: ServiceInstanceRepository;
  readonly knownAppends: OptimisticAppendRepository;
  readonly leases: InstanceLeaseRepository;
  readonly roles: NodeRoleRepository;
  readonly keys: IdempotencyKeyRepository;
  readonly recall: AnswerRecall;
  readonly catalog: LocalCatalog;
  readonly history: HistoryCheck;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly metrics: WriterMetrics;
}

export interface CatalogWriterOptions {
  /** The most changes that a batch commits, unless one request alone has more. */
  readonly maxBatchChanges: number;
  /** The most commands that wait. */
  readonly maxQueuedCommands: number;
  /** How long (ms) a node that hangs may hold the head of the log. */
  readonly headHoldLimitMs: number;
}

/**
 * The only one who changes the catalog. Requests that arrive while a batch is being committed form the next one, so an
 * idle service waits for nothing and a busy one shares its round trips. Callers are answered after the commit.
 */
export class CatalogWriter {
  private readonly queue: WriteQueue;
  private readonly answers: BatchAnswers;
  private readonly forecast: PredictedHead;
  private readonly knownCatalog: CachedCatalog;
  private draining: Promise<void> | undefined;
  /** The last revision that the log is known to have partitions for. */
  private roomUpTo = 0;

  constructor(
    private readonly tools: CatalogWriterTools,
    private readonly options: CatalogWriterOptions,
  ) {
    this.queue = new WriteQueue(options.maxQueuedCommands);
    this.answers = new BatchAnswers(tools);
    this.forecast = new PredictedHead(tools.clock);
    this.knownCatalog = new CachedCatalog({ ...tools, forecast: this.forecast });
  }

  /** Commands that wait. */
  get queueLength(): number {
    return this.queue.length;
  }

  /**
   * Carries out the commands of a request, all or none; one that was answered before under the same key of the same actor
   * is answered as it was, and has no effect.
   * @throws DomainError a rejection; IdempotencyMismatchError; QueueFullError, StoreUnavailableError (nothing happened) or OutcomeUnknownError
   */
  submit(request: WriteRequest): Promise<WriteResult> {
    return new Promise((resolve, reject) => {
      // Naming a large request takes a while: not under the lock. Should it fail, nobody else hears of it.
      requestKeyOf(request.origin);
      this.queue.push({ request, resolve, reject, since: performance.now() });
      this.draining ??= this.drain();
    });
  }

  /** Resolves when nothing waits and nothing is being committed. */
  async idle(): Promise<void> {
    await this.draining;
  }

  private async drain(): Promise<void> {
    // Whoever calls in the same turn of the event loop shares the first batch.
    await Promise.resolve();
    while (!this.queue.isEmpty) {
      const batch = this.inTime(this.queue.take(this.options.maxBatchChanges));
      if (batch.length > 0) await this.commit(batch);
    }
    this.draining = undefined;
  }

  /**
   * Tells those who have waited as long as a batch may take that nothing happened: while the database is away, every
   * batch takes long to fail, and the end of a long queue would hear of it only after a minute.
   */
  private inTime(batch: readonly PendingWrite[]): PendingWrite[] {
    const tooEarly = performance.now() - this.batchLimitMs;
    return batch.filter(({ since, reject }) => {
      if (since >= tooEarly) return true;
      reject(new StoreUnavailableError());
      return false;
    });
  }

  private get batchLimitMs(): number {
    return BATCH_TIME_FACTOR * this.options.headHoldLimitMs;
  }

  private get limits(): BatchLimits {
    return { maxChanges: this.options.maxBatchChanges, maxBytes: MAX_BATCH_BYTES };
  }

  /** Commits a batch and answers its callers; never throws. */
  private async commit(batch: readonly PendingWrite[]): Promise<void> {
    const endTimer = this.tools.metrics.startBatch();
    try {
      const placed = await this.transact(batch.map(write => write.request));
      endTimer('committed', placed.plan.events.length);
      this.noteCommitted(placed);
      this.queue.putBack(batch.slice(placed.plan.outcomes.length));
      // Not awaited: the next batch does not wait for the view.
      void this.answers.give(batch, placed);
    } catch (error) {
      endTimer('failed', 0);
      await this.fail(batch, error);
    }
  }

  /** Nothing has happened when this throws, or it is not known what has. */
  private async transact(requests: readonly WriteRequest[]): Promise<PlacedPlan> {
    return (await this.appendAtKnown(requests)) ?? (await this.appendUnderLock(requests));
  }

  /**
   * Decides on what this node knows of the catalog and appends, if it is so, in one statement and without a lock.
   * @returns undefined when this is not possible and nothing happened
   */
  private async appendAtKnown(requests: readonly WriteRequest[]): Promise<PlacedPlan | undefined> {
    const basis = this.knownCatalog.basisOf(requests);
    if (!basis) return undefined;
    const { head, found } = basis;
    const batchId = newId();
    const plan = planBatch({ head, batchId, requests, found, limits: this.limits });
    const last = plan.events.at(-1);
    // Without an event nothing would show that what was decided on is so.
    if (!last || last.revision + LOG_ROOM > this.roomUpTo) return undefined;
    const placed = { head, batchId, plan };
    const { databases, knownAppends, metrics } = this.tools;
    let clock: string | undefined;
    try {
      clock = await withSilenceTimeout(databases, 'writer', this.batchLimitMs, () =>
        knownAppends.append(databases.em('writer'), placed, 2 * this.options.headHoldLimitMs),
      );
    } catch (error) {
      this.forecast.failed();
      if (error instanceof DoubtfulCommitError) return await this.settle(placed, error.cause);
      throw error;
    }
    metrics.appended(clock === undefined ? 'missed' : 'known');
    if (clock === undefined) {
      this.forecast.failed();
      return undefined;
    }
    this.forecast.held(clock);
    return placed;
  }

  /** One unit of work: everything under the head's lock, in a fixed number of statements whatever the size of the batch. */
  private async appendUnderLock(requests: readonly WriteRequest[]): Promise<PlacedPlan> {
    const { databases, metrics } = this.tools;
    let placed: PlacedPlan | undefined;
    let room = this.roomUpTo;
    try {
      const done = await withSilenceTimeout(databases, 'writer', this.batchLimitMs, () =>
        databases.em('writer').transactional(async em => {
          const attempt = await this.place(em, requests);
          room = await this.write(em, attempt);
          placed = attempt;
          return attempt;
        }),
      );
      this.roomUpTo = room;
      metrics.appended('locked');
      return done;
    } catch (error) {
      if (placed && placed.plan.events.length > 0) return await this.settle(placed, error);
      throw error;
    }
  }

  private noteCommitted({ head, plan }: PlacedPlan): void {
    const last = plan.events.at(-1);
    if (last) this.tools.history.noteCommitted({ revision: last.revision, hash: last.hash, epoch: head.epoch });
  }

  /** Locks the head and decides. */
  private async place(em: EntityManager, requests: readonly WriteRequest[]): Promise<PlacedPlan> {
    const { history, instances, keys } = this.tools;
    const head = await history.lock(em, this.options.headHoldLimitMs);
    this.forecast.learn(head);
    const expiry = await readExpiryContext(em, requests, this.tools);
    const asked = requests.flatMap(({ origin }) => requestKeyOf(origin) ?? []);
    const known = await keys.find(em, asked, head.clock);
    const { found, complete } = await instances.findNamed(em, {
      targets: requests.flatMap(request => request.commands.map(targetOf)),
      always: requests[0]!.commands.length,
      maxBytes: MAX_BATCH_BYTES,
    });
    const batchId = newId();
    const { limits } = this;
    const placed = { head, batchId, requests: wholeWithin(requests, complete), found, known, limits };
    const plan = planBatch({ ...placed, ...expiry });
    return { head, batchId, plan };
  }

  /** @returns the last revision that the log has partitions for, once this is committed */
  private async write(em: EntityManager, placed: PlacedPlan): Promise<number> {
    const { head, plan } = placed;
    const { events, instances, keys } = this.tools;
    await keys.keep(em, plan.answers, { at: head.clock, revision: revisionAfter(placed), epoch: head.epoch });
    const last = plan.events.at(-1);
    if (!last) return this.roomUpTo;
    const isShort = last.revision + LOG_ROOM > this.roomUpTo;
    const room = isShort ? await events.ensurePartitions(em, last.revision) : this.roomUpTo;
    await instances.save(em, plan.changes, plan.touches);
    await events.append(em, head, plan.events);
    for (const { write } of plan.occurrences) await write(em);
    return room;
  }

  /** The commit was sent and its answer got lost: what happened is looked up, so that every answer is true. */
  private async settle(placed: PlacedPlan, cause: unknown): Promise<PlacedPlan> {
    const { batchId, head } = placed;
    let committed: boolean;
    try {
      committed = await wasCommitted(
        { batchId, afterRevision: head.revision },
        { ...this.tools, headHoldLimitMs: this.options.headHoldLimitMs },
      );
    } catch {
      throw new OutcomeUnknownError({ cause });
    }
    if (!committed) throw new StoreUnavailableError({ cause });
    return placed;
  }

  /** Nothing of the batch happened (or nobody can know). One poisonous request is found by halving. */
  private async fail(batch: readonly PendingWrite[], error: unknown): Promise<void> {
    if (isRefusal(error) && batch.length > 1) {
      const middle = Math.ceil(batch.length / 2);
      await this.commit(batch.slice(0, middle));
      await this.commit(batch.slice(middle));
      return;
    }
    const told = toCallerError(error);
    for (const { reject } of batch) reject(told);
  }
}

/** The requests whose instances were all read. */
function wholeWithin(requests: readonly WriteRequest[], completeTargets: number): WriteRequest[] {
  let targets = 0;
  return requests.filter(({ commands }) => (targets += commands.length) <= completeTargets);
}
