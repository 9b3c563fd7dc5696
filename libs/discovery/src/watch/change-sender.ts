import { type CatalogChange, type FeedScope, type InstanceRecord, type Matches } from '@coordination/catalog';
import { matcher, type Selection } from '../selection/selection.js';
import { type WatchContext } from './watch-context.js';
import { type WatchStream } from './watch-stream.js';

/** What is sent in one piece (bytes), and what patterns may cost until the piece is sent (steps; some 10 ms). */
const PIECE_BYTES = 64 * 1024;
const PIECE_STEPS = 100_000;

/** Tells one watcher of changes, each once: its position is the revision up to which everything has been told. */
export class ChangeSender {
  private toldUpTo: number;
  private patternSteps = 0;
  private readonly matches: Matches;

  constructor(
    private readonly context: Pick<WatchContext, 'frames' | 'metrics'>,
    private readonly stream: WatchStream,
    start: { readonly scope: FeedScope; readonly selection: Selection; readonly position: number },
  ) {
    this.toldUpTo = start.position;
    const matches = matcher(start.selection, steps => (this.patternSteps += steps));
    this.matches = record => isIn(start.scope, record) && matches(record);
  }

  get position(): number {
    return this.toldUpTo;
  }

  /** Notes that there is nothing to be told up to a revision. */
  passTo(revision: number): void {
    this.toldUpTo = Math.max(this.toldUpTo, revision);
  }

  /** Tells those that the selection has to do with, until they make a piece. @returns how many changes are done */
  tell(changes: readonly CatalogChange[]): number {
    const frames: Buffer[] = [];
    let [bytes, done] = [0, 0];
    this.patternSteps = 0;
    for (const change of changes) {
      if (bytes >= PIECE_BYTES || this.patternSteps >= PIECE_STEPS) break;
      done += 1;
      if (change.revision <= this.toldUpTo) continue;
      const frame = this.context.frames.frameOf(change, this.matches);
      this.toldUpTo = change.revision;
      if (!frame) continue;
      frames.push(frame);
      bytes += frame.length;
    }
    if (frames.length === 0) return done;
    this.write(frames.length === 1 ? frames[0]! : Buffer.concat(frames, bytes));
    this.context.metrics.events.inc({ event: 'change' }, frames.length);
    return done;
  }

  /** Sends anything else. */
  write(bytes: Buffer): void {
    this.context.metrics.bytes.inc(bytes.length);
    this.stream.write(bytes);
  }
}

const isIn = ({ namespace, service }: FeedScope, record: InstanceRecord): boolean =>
  (namespace === null || record.namespace === namespace) && (service === null || record.service === service);
