import { type InstanceRecord, toInstanceView } from '@coordination/catalog';
import { pick } from '../listing/instance-fields.js';
import { type CatalogSearch } from './catalog-search.js';

/** A page ends at so many bytes of JSON, even if it has fewer instances than its limit. */
const PAGE_MAX_BYTES = 4 * 1024 * 1024;

/** The page of a search that is being made: the JSON of its instances, each made when it is added. */
export class SearchPageJson {
  private readonly items: string[] = [];
  private bytes = 0;

  constructor(
    private readonly search: Pick<CatalogSearch, 'limit' | 'fields'>,
    private readonly maxBytes = PAGE_MAX_BYTES,
  ) {}

  /** Whether no further instance belongs on this page. */
  get isFull(): boolean {
    return this.items.length >= this.search.limit || this.bytes >= this.maxBytes;
  }

  add(record: InstanceRecord): void {
    const json = JSON.stringify(pick(toInstanceView(record), this.search.fields ?? null));
    this.items.push(json);
    this.bytes += Buffer.byteLength(json);
  }

  /** The body of the response: the same bytes as those of `searchJson`. */
  json(revision: number, nextCursor: string | null): string {
    return `{"revision":${revision},"items":[${this.items.join(',')}],"nextCursor":${JSON.stringify(nextCursor)}}`;
  }
}
