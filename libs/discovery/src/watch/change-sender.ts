import { type CatalogChange, isInScope, type Matches, type Scope } from '@coordination/catalog';
import { matcher, type Selection } from '../selection/selection.js';
import { type WatchContext } from './watch-context.js';
import { type WatchStream } from './watch-stream.js';

/** The size of one write (bytes), and what patterns may cost for it (steps; some 10 ms). */
const WRITE_BYTES = 64 * 1024;
const WRITE_STEPS = 100_000;

/** Sends changes to one watcher, each once. Its position is the revision up to which everything has been sent. */
export class ChangeSender {
  private sentUpTo: number;
  private patternSteps = 0;
  private readonly matches: Matches;

  constructor(
    private readonly context: Pick<WatchContext, 'frames' | 'metrics'>,
    private readonly stream: WatchStream,
    start: { readonly scope: Scope; readonly selection: Selection; readonly position: number },
  ) {
    this.sentUpTo = start.position;
    const matches = matcher(start.selection, steps => (this.patternSteps += steps));
    this.matches = record => isInScope(start.scope, record) && matches(record);
  }

  get position(): number {
    return this.sentUpTo;
  }

  /** Records that there is nothing to send up to a revision. */
  advanceTo(revision: number): void {
    this.sentUpTo = Math.max(this.sentUpTo, revision);
  }

  /** Sends the changes that concern the selection, until the write is large enough. @returns how many changes are done */
  send(changes: readonly CatalogChange[]): number {
    const frames: Buffer[] = [];
    let [bytes, done] = [0, 0];
    this.patternSteps = 0;
    for (const change of changes) {
      if (bytes >= WRITE_BYTES || this.patternSteps >= WRITE_STEPS) break;
      done += 1;
      if (change.revision <= this.sentUpTo) continue;
      const frame = this.context.frames.frameOf(change, this.matches);
      this.sentUpTo = change.revision;
      if (!frame) continue;
      frames.push(frame);
      bytes += frame.length;
    }
    if (frames.length === 0) return done;
    this.write(frames.length === 1 ? frames[0]! : Buffer.concat(frames, bytes));
    this.context.metrics.events.inc({ event: 'change' }, frames.length);
    return done;
  }

  /** Sends any other bytes. */
  write(bytes: Buffer): void {
    this.context.metrics.bytes.inc(bytes.length);
    this.stream.write(bytes);
  }
}
