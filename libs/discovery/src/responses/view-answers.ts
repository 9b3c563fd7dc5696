import { CatalogView, ChangeFeed } from '@coordination/catalog';
import { Scheduler } from '@coordination/scheduling';
import { Inject, Injectable } from '@nestjs/common';
import { jsonBounds, type JsonBounds } from '../kept-shares.js';
import { isWhole, type ListQuery } from '../listing/list-query.js';
import { Listings } from '../listing/listings.js';
import { CachedJson } from './cached-json.js';
import { type Piece } from './pieces.js';
import { type MadeJson, type ViewJson } from './view-json.js';

/** The JSON that is made from the view of this node. */
@Injectable()
export class ViewAnswers {
  /** Namespaces, services, and whole lists of instances. */
  readonly whole: CachedJson;
  /** Parts of lists of instances. Separate, so that clients that request many pages or members do not evict whole lists. */
  readonly parts: CachedJson;

  constructor(
    view: CatalogView,
    listings: Listings,
    changes: ChangeFeed,
    scheduler: Scheduler,
    @Inject(jsonBounds) bounds: JsonBounds,
  ) {
    this.whole = new CachedJson(view, bounds.lists, { scheduler });
    this.parts = new CachedJson(view, bounds.pages, { listings, changes, scheduler });
  }

  /**
   * The instances of a service, or the first page of them. A promise if that must be made in slices.
   * @throws InvalidFilterError for patterns that are too costly for so many instances
   */
  instances(query: ListQuery): ViewJson | Promise<MadeJson> {
    return (isWhole(query.part) ? this.whole : this.parts).listPart(query);
  }

  /** The pieces of the cached list, whatever its revision, for other versions that may share them; empty if there is none. */
  piecesOf(query: ListQuery): readonly Piece<object>[] {
    return (isWhole(query.part) ? this.whole : this.parts).piecesOf(query);
  }
}
