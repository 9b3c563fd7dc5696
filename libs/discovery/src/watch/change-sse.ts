import { type CatalogChange, concernOf, type Matches } from '@coordination/catalog';
import { changeFrame, removedFrame } from './sse-frames.js';

/** The bytes that changes are told with, made once for all watchers, and kept as long as the change. */
export class ChangeFrames {
  private readonly told = new WeakMap<CatalogChange, Buffer>();
  private readonly removed = new WeakMap<CatalogChange, Buffer>();

  /** What somebody who selects some instances is told of a change; undefined: nothing, it does not concern them. */
  frameOf(change: CatalogChange, matches: Matches): Buffer | undefined {
    const concern = concernOf(change, matches);
    if (concern === 'none') return undefined;
    const livesOn = concern === 'left' && change.after !== null;
    return livesOn ? once(this.removed, change, removedFrame) : once(this.told, change, changeFrame);
  }
}

function once(made: WeakMap<CatalogChange, Buffer>, change: CatalogChange, make: (change: CatalogChange) => Buffer) {
  const known = made.get(change);
  if (known) return known;
  const frame = make(change);
  made.set(change, frame);
  return frame;
}
