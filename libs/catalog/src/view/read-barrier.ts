import { contradicts, type LogHead, ReadIndex } from '@coordination/log';
import {
  Clock,
  RevisionUnknownError,
  StartingError,
  StoreUnavailableError,
  ViewBehindError,
} from '@coordination/kernel';
import { Metrics } from '@coordination/observability';
import { Inject, Injectable, type OnModuleInit, Optional } from '@nestjs/common';
import { CatalogView, type ViewHead } from './catalog-view.js';

/** How long (ms) a read waits for the view to reach the revision that it needs. */
const REACHED_WITHIN_MS = 1_500;

/**
 * Makes reads wait until the view is as new as they need it. The wait is bounded and holds no connection. An aborted wait
 * rejects with the reason of the abort.
 */
@Injectable()
export class ReadBarrier implements OnModuleInit {
  private strongCount = 0;

  /**
   * @param readIndex queries the primary; one query serves all callers that call before it is sent
   * @param withinMs how long (ms) a read waits for the view
   */
  constructor(
    private readonly view: CatalogView,
    @Inject(ReadIndex) private readonly readIndex: Pick<ReadIndex<LogHead>, 'current' | 'queries'>,
    private readonly clock: Clock,
    private readonly metrics: Metrics,
    @Optional() private readonly withinMs = REACHED_WITHIN_MS,
  ) {}

  onModuleInit(): void {
    this.metrics.observedCounter('strong_reads_total', 'Reads with `consistency=strong`.', () => this.strongCount);
    this.metrics.observedCounter(
      'read_index_queries_total',
      'Queries to the primary for the head of the log.',
      () => this.readIndex.queries,
    );
  }

  /**
   * Resolves when the view has a revision. The primary is queried only if the view does not reach it in time.
   * @throws StartingError before the first load
   * @throws RevisionUnknownError for a revision that the catalog does not know
   * @throws ViewBehindError when the view has not reached it, or the primary cannot tell whether the log has
   */
  async reach(revision: number, signal?: AbortSignal): Promise<void> {
    const { view } = this;
    if (!view.loaded) throw new StartingError();
    if (!(await view.reached(revision, this.withinMs, signal))) await this.assertKnown(revision, signal);
    if (view.revision < revision) throw new ViewBehindError(view.revision, revision);
    const reason = view.unknownReason(revision);
    if (reason !== undefined) throw new RevisionUnknownError(revision, reason);
  }

  /**
   * Resolves when the view has everything that was acknowledged before this call, on any node. The view is then known to
   * have been current at some moment after the call.
   * @throws StartingError before the first load
   * @throws StoreUnavailableError when the primary cannot be queried
   * @throws ViewBehindError when the view has not reached the head in time
   */
  async strong(signal?: AbortSignal): Promise<void> {
    const { view, clock } = this;
    if (!view.loaded) throw new StartingError();
    this.strongCount += 1;
    let untilMs: number | undefined;
    for (;;) {
      const [before, { generation }, askedAtMs] = [view.position!, view, clock.monotonicMs()];
      const head = await this.readIndex.current();
      untilMs ??= clock.monotonicMs() + this.withinMs;
      const restMs = untilMs - clock.monotonicMs();
      const isReloaded = () => view.generation !== generation;
      const isReached =
        isReloaded() ||
        (continues(head, before)
          ? await view.reached(head.revision, restMs, signal)
          : await view.replacedSince(generation, restMs, signal));
      signal?.throwIfAborted();
      if (!isReached || restMs < 0) throw new ViewBehindError(view.revision, head.revision);
      // A view that was reloaded meanwhile may have another history than the head, which is then queried again.
      if (!isReloaded() && continues(view.position!, head)) return view.confirm(askedAtMs);
    }
  }

  /** @throws RevisionUnknownError when the log has not reached the revision */
  private async assertKnown(revision: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    const head = await this.readIndex.current().catch((error: unknown) => {
      if (error instanceof StoreUnavailableError) {
        throw new ViewBehindError(this.view.revision, revision, { cause: error });
      }
      throw error;
    });
    signal?.throwIfAborted();
    if (head.revision < revision) throw new RevisionUnknownError(revision, 'above-head');
  }
}

/**
 * Whether one position in the log can follow another. In another epoch, the same number means another catalog; a head that
 * is behind what was known before belongs to a restored backup.
 */
const continues = (later: ViewHead | LogHead, earlier: ViewHead | LogHead): boolean =>
  later.epoch === earlier.epoch && !contradicts(later, earlier);
