import { lowerBound } from '@coordination/kernel';
import { type InstanceRecord } from '@coordination/catalog';
import { type SearchOrder } from '../search/catalog-search.js';

/** A time and an id, as texts that sort like the values. */
export type TimePosition = readonly [time: string, id: string];

/** Keeps the first instances, in an order, of many that are added in any order. */
export class TopK {
  private readonly kept: { readonly position: TimePosition; readonly record: InstanceRecord }[] = [];

  /** @param count how many are kept */
  constructor(
    private readonly order: SearchOrder,
    private readonly positionOf: (record: InstanceRecord) => TimePosition,
    private readonly count: number,
  ) {}

  /** In their order. */
  get records(): readonly InstanceRecord[] {
    return this.kept.map(({ record }) => record);
  }

  /** Only instances before this position are kept; undefined while there is room. */
  get bound(): TimePosition | undefined {
    return this.kept.length < this.count ? undefined : this.kept.at(-1)?.position;
  }

  add(record: InstanceRecord): void {
    const position = this.positionOf(record);
    const { bound } = this;
    if (bound && !this.isBefore(position, bound)) return;
    const index = lowerBound(this.kept, kept => this.isBefore(kept.position, position));
    this.kept.splice(index, 0, { position, record });
    if (this.kept.length > this.count) this.kept.pop();
  }

  private isBefore(a: TimePosition, b: TimePosition): boolean {
    const isLess = a[0] === b[0] ? a[1] < b[1] : a[0] < b[0];
    return this.order === 'asc' ? isLess : !isLess && a[1] !== b[1];
  }
}
