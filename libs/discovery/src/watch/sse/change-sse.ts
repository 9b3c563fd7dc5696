import { type CatalogChange, concernOf, type Matches } from '@coordination/catalog';
import { changeFrame, removedFrame } from './sse-frames.js';

/** The frames of changes, encoded once for all watchers, and cached as long as the change is in memory. */
export class ChangeFrames {
  private readonly changes = new WeakMap<CatalogChange, Buffer>();
  private readonly removals = new WeakMap<CatalogChange, Buffer>();

  /** The frame of a change for watchers of a selection; undefined when the change does not concern it. */
  frameOf(change: CatalogChange, matches: Matches): Buffer | undefined {
    const concern = concernOf(change, matches);
    if (concern === 'none') return undefined;
    const stillExists = concern === 'left' && change.after !== null;
    return stillExists ? cached(this.removals, change, removedFrame) : cached(this.changes, change, changeFrame);
  }
}

function cached(
  frames: WeakMap<CatalogChange, Buffer>,
  change: CatalogChange,
  encode: (change: CatalogChange) => Buffer,
): Buffer {
  const known = frames.get(change);
  if (known) return known;
  const frame = encode(change);
  frames.set(change, frame);
  return frame;
}
