import { lowerBound } from '@coordination/kernel';
import { type CatalogChange } from '../view/catalog-change.js';

/** Size of a change without its metadata (bytes), roughly. */
const CHANGE_BYTES = 2_000;

export interface ChangeBufferLimits {
  readonly maxChanges: number;
  /** Bytes of the instances before and after, roughly. */
  readonly maxBytes: number;
}

interface Entry {
  readonly change: CatalogChange;
  readonly bytes: number;
}

/** The newest changes, in the order of their revisions, as far as the limits allow. */
export class ChangeBuffer {
  private changes: (Entry | undefined)[] = [];
  /** Index of the oldest change; the empty slots before it are removed from time to time. */
  private start = 0;
  private bytes = 0;
  private lowest = 0;

  constructor(private readonly limits: ChangeBufferLimits) {}

  /** All changes after this revision are here. */
  get floor(): number {
    return this.lowest;
  }

  get size(): number {
    return this.changes.length - this.start;
  }

  /** Forgets everything; the next change comes after this revision. */
  restart(revision: number): void {
    this.changes = [];
    this.start = 0;
    this.bytes = 0;
    this.lowest = revision;
  }

  push(change: CatalogChange): void {
    const bytes = weightOf(change);
    this.changes.push({ change, bytes });
    this.bytes += bytes;
    while (this.size > this.limits.maxChanges || (this.bytes > this.limits.maxBytes && this.size > 1)) this.drop();
  }

  /** The oldest changes after a revision; undefined when some of them have been forgotten. */
  after(revision: number, limit: number): CatalogChange[] | undefined {
    if (revision < this.lowest) return undefined;
    const from = lowerBound(this.changes, entry => entry!.change.revision <= revision, this.start);
    return this.changes.slice(from, from + limit).map(entry => entry!.change);
  }

  private drop(): void {
    const { change, bytes } = this.changes[this.start]!;
    this.changes[this.start] = undefined;
    this.start += 1;
    this.bytes -= bytes;
    this.lowest = change.revision;
    if (this.start > this.limits.maxChanges) {
      this.changes = this.changes.slice(this.start);
      this.start = 0;
    }
  }
}

/** How much memory (bytes) a change takes, roughly. */
export const weightOf = ({ before, after }: CatalogChange): number =>
  CHANGE_BYTES +
  textLength(before?.metadata) +
  (after?.metadata === before?.metadata ? 0 : textLength(after?.metadata));

const textLength = (value: unknown): number => (value === undefined ? 0 : JSON.stringify(value).length);
