import { Inject, Injectable, Logger, Optional } from '@nestjs/common';
import { ConfirmationWait } from '../epochs/confirmation-wait.js';
import { EpochManager, type EpochLogger } from '../epochs/epoch-manager.js';
import { CatalogView, type ViewHead } from '../view/catalog-view.js';
import { CatalogLoader } from './catalog-loader.js';
import { discontinuity } from './discontinuity.js';
import { type LogPage, LogReader } from './log-reader.js';

/** Loads the view, and applies to it what the log has appended since. Settles the history where the log does not continue. */
@Injectable()
export class ViewUpdater {
  private brokenHistories = 0;
  /** Why the history is broken, until the view is current again. */
  private lastBreak: string | undefined;
  private newest = 0;

  constructor(
    private readonly view: CatalogView,
    @Inject(CatalogLoader) private readonly loader: Pick<CatalogLoader, 'load'>,
    @Inject(LogReader) private readonly reader: Pick<LogReader, 'readAfter'>,
    @Inject(EpochManager) private readonly epochs: Pick<EpochManager, 'doubted' | 'settle'>,
    @Inject(ConfirmationWait) private readonly confirmation: Pick<ConfirmationWait, 'untilConfirmed'>,
    @Optional() private readonly logger: EpochLogger = new Logger('View'),
  ) {}

  /** How often the history was another one than the view held, so that the whole catalog was loaded again. */
  get reloads(): number {
    return this.brokenHistories;
  }

  /** The newest revision that the log is known to have. */
  get newestRevision(): number {
    return this.newest;
  }

  /** Why the history is broken; undefined when it is not. */
  get breakReason(): string | undefined {
    return this.lastBreak;
  }

  /** Records that the log has a revision. */
  noteRevision(revision: number): void {
    this.newest = Math.max(this.newest, revision);
  }

  /**
   * Loads the whole catalog into the view.
   * @param progress is called while the load advances
   * @throws StoreUnavailableError
   */
  async load(signal: AbortSignal, progress: () => void): Promise<void> {
    let snapshot = await this.loader.load(progress);
    while (snapshot.hasMoved && !signal.aborted) {
      // The move may have lost commits, and reads must not report lost changes as current.
      await this.confirmation.untilConfirmed(signal);
      snapshot = await this.loader.load(progress);
    }
    if (snapshot.hasMoved) return;
    this.view.replace(snapshot);
    this.logger.log(`The catalog is loaded: ${this.view.size} instances at revision ${this.view.revision}.`);
  }

  /**
   * Reads the log page by page until the view has everything that the log had when the last page was requested.
   * @returns `broken` when the catalog must be loaded again
   * @throws StoreUnavailableError
   */
  async catchUp(signal: AbortSignal, progress: () => void): Promise<'current' | 'broken'> {
    const { view } = this;
    while (!signal.aborted) {
      const held = view.position;
      if (!held) return 'broken';
      const page = await this.reader.readAfter(held.revision);
      progress();
      this.newest = page.head.revision;
      const reason = discontinuity(held, page) ?? this.apply(page);
      if (reason !== undefined) {
        await this.epochs.settle();
        this.noteBreak(held, page.head, reason);
        return 'broken';
      }
      if (view.revision < page.head.revision) continue;
      view.confirm(page.sentAtMs);
      this.lastBreak = undefined;
      const isUnsettled = page.hasMoved || this.epochs.doubted;
      if (!isUnsettled || (await this.epochs.settle()) !== 'begun') return 'current';
    }
    return 'current';
  }

  private apply({ events }: LogPage): string | undefined {
    const outcome = this.view.apply(events);
    return outcome === 'applied' ? undefined : `the events of one page do not follow each other (${outcome})`;
  }

  private noteBreak(held: ViewHead, found: ViewHead, reason: string): void {
    this.brokenHistories += 1;
    // A break that a load has not repaired is reported by the background task, at its own pace.
    if (reason !== this.lastBreak) {
      this.logger.error(
        `The history of the catalog is broken: ${reason}. The view held revision ${held.revision} of epoch ${held.epoch}, ` +
          `the log is at revision ${found.revision} of epoch ${found.epoch}. The whole catalog is loaded again.`,
      );
    }
    this.lastBreak = reason;
  }
}
