import { JsonItems, type SharedBody } from '@coordination/http';
import { type InstanceRecord, toInstanceView } from '@coordination/catalog';
import { pick } from '../listing/instance-fields.js';
import { type CatalogSearch } from './catalog-search.js';

/** A page ends at so many bytes of JSON, even if it has fewer instances than its limit. */
const PAGE_MAX_BYTES = 4 * 1024 * 1024;

/** The page of a search that is being made: the JSON of its instances, each made when it is added. */
export class SearchPageJson {
  private readonly items = new JsonItems();

  constructor(
    private readonly search: Pick<CatalogSearch, 'limit' | 'fields'>,
    private readonly maxBytes = PAGE_MAX_BYTES,
  ) {}

  /** Whether no further instance belongs on this page. */
  get isFull(): boolean {
    return this.items.size >= this.search.limit || this.items.byteLength >= this.maxBytes;
  }

  add(record: InstanceRecord): void {
    this.items.add(JSON.stringify(pick(toInstanceView(record), this.search.fields ?? null)));
  }

  /** The body of the response. Nothing may be added afterwards. */
  body(revision: number, nextCursor: string | null): string | SharedBody {
    return this.items.body(`{"revision":${revision},"items":[`, `],"nextCursor":${JSON.stringify(nextCursor)}}`);
  }
}
