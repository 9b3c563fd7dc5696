import { type InstanceRecord } from '@coordination/catalog';
import { type SearchOrder } from '../search/catalog-search.js';

/** A time and an id, texts of one form each, which sort as what they stand for. */
export type TimePosition = readonly [time: string, id: string];

/** Keeps the first few of many instances that come in any order. */
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

  /** What others must come before to be kept; undefined while there is room. */
  get bound(): TimePosition | undefined {
    return this.kept.length < this.count ? undefined : this.kept.at(-1)?.position;
  }

  add(record: InstanceRecord): void {
    const position = this.positionOf(record);
    const { bound } = this;
    if (bound && !this.isBefore(position, bound)) return;
    let [low, high] = [0, this.kept.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.isBefore(this.kept[middle]!.position, position)) low = middle + 1;
      else high = middle;
    }
    this.kept.splice(low, 0, { position, record });
    if (this.kept.length > this.count) this.kept.pop();
  }

  private isBefore(a: TimePosition, b: TimePosition): boolean {
    const isLess = a[0] === b[0] ? a[1] < b[1] : a[0] < b[0];
    return this.order === 'asc' ? isLess : !isLess && a[1] !== b[1];
  }
}
