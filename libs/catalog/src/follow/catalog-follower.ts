import { setTimeout as delay } from 'node:timers/promises';
import { epochStartedBy, mayFollow } from '@coordination/log';
import { type BackgroundTask } from '@coordination/observability';
import pRetry from 'p-retry';
import { type EpochManager } from '../epochs/epoch-manager.js';
import { type CatalogLoader } from './catalog-loader.js';
import { type CatalogView, type ViewHead } from '../view/catalog-view.js';
import { type LogPage, type LogReader } from './log-reader.js';

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 3_000;

/**
 * How long (ms) a notification waits before the log is read: the changes that this node made itself, of which it is
 * notified too, have come to the view by then on a shorter way.
 */
const NOTIFICATION_PATIENCE_MS = 5;

/** What the follower tells whoever runs the service. */
export interface FollowerLog {
  log(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

/** What a follower works with. */
export interface FollowerParts {
  readonly view: CatalogView;
  readonly loader: Pick<CatalogLoader, 'load'>;
  readonly reader: Pick<LogReader, 'readAfter'>;
  /** Settles what the log is where it does not go on with what the view holds. */
  readonly history: Pick<EpochManager, 'doubted' | 'settle' | 'untilConfirmed'>;
  /** How often (ms) the log is read when nothing tells that there is news. */
  readonly pollMs: number;
  readonly logger: FollowerLog;
  readonly task: BackgroundTask;
  /** Resolves when the tables are there; the follower reads nothing before. */
  readonly ready?: Promise<unknown>;
  /** Ends the reads that are under way, so that the end need not wait for a server that does not answer. */
  readonly cutOff?: () => void;
}

/**
 * Loads the view and keeps it at the head of the log. Reading the log is the truth; notifications only make it happen
 * sooner. Nothing stops it but {@link stop}: while the database is away it tries on.
 */
export class CatalogFollower {
  private readonly ending = new AbortController();
  private running: Promise<void> | undefined;
  private looksAsked = 0;
  private interrupt: () => void = () => undefined;
  private patience: NodeJS.Timeout | undefined;
  /** The newest revision that was hinted at since patience began. */
  private hinted = 0;
  private inFlight: Promise<unknown> = Promise.resolve();
  private brokenHistories = 0;
  /** What showed that the history is another one, as long as the view is not current again. */
  private complaint: string | undefined;
  private newestKnown = 0;

  constructor(private readonly parts: FollowerParts) {
    parts.view.whenAwaited(() => this.look());
  }

  /** How often the history turned out not to be the one that was held, so that all was loaded again. */
  get reloads(): number {
    return this.brokenHistories;
  }

  /** How many revisions the log is known to be ahead of the view. */
  get lag(): number {
    return Math.max(0, this.newestKnown - this.parts.view.revision);
  }

  /** Begins; the view is loaded some time later. */
  start(): void {
    this.running ??= this.run(this.ending.signal);
  }

  /** Ends; resolves when nothing of it runs any more. */
  async stop(): Promise<void> {
    this.ending.abort();
    clearTimeout(this.patience);
    this.parts.view.abandonWaiters();
    this.parts.cutOff?.();
    await this.running;
    await this.inFlight;
  }

  /** Reads the log as soon as may be, also if it is being read just now. */
  look(): void {
    this.looksAsked += 1;
    this.interrupt();
  }

  /** Takes the hint that the log has a revision. */
  hint(revision: number): void {
    if (!Number.isSafeInteger(revision)) return;
    this.newestKnown = Math.max(this.newestKnown, revision);
    if (this.ending.signal.aborted || revision <= this.parts.view.revision) return;
    this.hinted = Math.max(this.hinted, revision);
    this.patience ??= setTimeout(() => {
      const isNews = this.hinted > this.parts.view.revision;
      this.patience = undefined;
      this.hinted = 0;
      if (isNews) this.look();
    }, NOTIFICATION_PATIENCE_MS);
  }

  private async run(signal: AbortSignal): Promise<void> {
    await Promise.race([this.parts.ready, aborted(signal)]);
    let mustLoad = true;
    while (!signal.aborted) {
      const looksAnswered = this.looksAsked;
      let loadedInVain = false;
      try {
        await this.retried(async progress => {
          const loads = mustLoad;
          if (loads) await this.load(signal, progress);
          mustLoad = (await this.catchUp(progress)) === 'broken';
          loadedInVain = loads && mustLoad;
          if (loadedInVain) throw new LoadedInVainError(this.complaint);
        }, signal);
      } catch {
        // Not a failure of the database, or it would be retried; at the next poll it may be over. The task has noted it.
        loadedInVain = true;
      }
      const isDone = !mustLoad && this.looksAsked === looksAnswered;
      if (isDone || loadedInVain) await this.pause(signal);
    }
  }

  /** Tries on, ever more slowly, with jitter. */
  private async retried(work: (progress: () => void) => Promise<void>, signal: AbortSignal): Promise<void> {
    const attempt = () => {
      const attempted = this.parts.task.turn(work, signal);
      this.inFlight = attempted.catch(() => undefined);
      return attempted;
    };
    await pRetry(attempt, {
      signal,
      retries: Infinity,
      minTimeout: FIRST_RETRY_MS,
      maxTimeout: LAST_RETRY_MS,
      randomize: true,
      shouldRetry: ({ error }) => !(error instanceof LoadedInVainError),
    });
  }

  private async load(signal: AbortSignal, progress: () => void): Promise<void> {
    const { view, loader, history, logger } = this.parts;
    let snapshot = await loader.load(progress);
    while (snapshot.elsewhere && !signal.aborted) {
      // Commits may have been lost on the way, and nothing that was lost must be told as unchanged.
      await history.untilConfirmed(signal);
      snapshot = await loader.load(progress);
    }
    if (snapshot.elsewhere) return;
    view.replace(snapshot);
    logger.log(`The catalog is loaded: ${view.size} instances at revision ${view.revision}.`);
  }

  /** Reads page after page until the view has all that the log had when the last page was asked for. */
  private async catchUp(progress: () => void): Promise<'current' | 'broken'> {
    const { view, reader, history } = this.parts;
    while (!this.ending.signal.aborted) {
      const held = view.position;
      if (!held) return 'broken';
      const page = await reader.readAfter(held.revision);
      progress();
      this.newestKnown = page.head.revision;
      const complaint = discontinuity(held, page) ?? this.applied(page);
      if (complaint !== undefined) {
        await history.settle();
        this.brokenHistories += 1;
        // What a load has not mended is told by the task, at its pace.
        if (complaint !== this.complaint) this.tellBroken(held, page.head, complaint);
        this.complaint = complaint;
        return 'broken';
      }
      if (view.revision < page.head.revision) continue;
      view.confirm(page.sentAtMs);
      this.complaint = undefined;
      const isUnsettled = page.elsewhere || history.doubted;
      if (!isUnsettled || (await history.settle()) !== 'begun') return 'current';
    }
    return 'current';
  }

  private applied({ events }: LogPage): string | undefined {
    const outcome = this.parts.view.apply(events);
    return outcome === 'applied' ? undefined : `the events of one page do not follow each other (${outcome})`;
  }

  private tellBroken(held: ViewHead, found: ViewHead, complaint: string): void {
    this.parts.logger.error(
      `The history of the catalog is broken: ${complaint}. The view held revision ${held.revision} of epoch ${held.epoch}, ` +
        `the log is at revision ${found.revision} of epoch ${found.epoch}. The whole catalog is loaded again.`,
    );
  }

  /** Waits for the next poll, or until somebody asks for a look. */
  private async pause(signal: AbortSignal): Promise<void> {
    const interruption = new AbortController();
    this.interrupt = () => interruption.abort();
    const pollMs = this.parts.pollMs * (0.75 + 0.25 * Math.random()); // jitter: nodes must not ask in step
    try {
      await delay(pollMs, undefined, { signal: AbortSignal.any([signal, interruption.signal]) });
    } catch {
      // Woken, or ended.
    }
    this.interrupt = () => undefined;
  }
}

/** The catalog was loaded, and the log does not continue even that. */
class LoadedInVainError extends Error {
  override readonly name = 'LoadedInVainError';

  constructor(complaint = '') {
    super(`The log does not continue the catalog that was just loaded: ${complaint}`);
  }
}

/** What shows that the log does not continue what the view held; undefined when it does. */
function discontinuity(held: ViewHead, { head, events }: LogPage): string | undefined {
  if (head.revision < held.revision) return 'the log is shorter than it was';
  if (head.revision === held.revision && head.hash !== held.hash)
    return 'the newest event has another hash than it had';
  if (isWhole(held, head, events) && epochAfter(held, events) !== head.epoch) return 'the epoch is another one';
  if (head.revision === held.revision) return undefined;
  const next = events[0];
  if (!next || !mayFollow(held.revision, next)) return 'the next event is missing';
  return next.previousHash === held.hash ? undefined : 'the next event follows another one than the view held';
}

/** Whether events are all that there is up to the head. */
const isWhole = (held: ViewHead, head: ViewHead, events: LogPage['events']): boolean =>
  (events.at(-1) ?? held).revision === head.revision;

const epochAfter = (held: ViewHead, events: LogPage['events']): string =>
  events.reduce((epoch, event) => epochStartedBy(event)?.epoch ?? epoch, held.epoch);

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise(resolve => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
