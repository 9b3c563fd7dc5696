import { CompressedForm } from '@coordination/http';
import {
  type CatalogView,
  type ChangeFeed,
  type InstanceRecord,
  type ServiceEntry,
  toInstanceView,
} from '@coordination/catalog';
import { matcherBesideStatus, type Selection, statusTest } from '../selection/selection.js';
import { patternMeter } from '../selection/pattern-meter.js';
import { listJson } from '../listing/list-json.js';
import { isWhole, type ListQuery, partText, variantOf } from '../listing/list-query.js';
import { Listings, pageOf } from '../listing/listings.js';
import { ViewListings } from '../listing/view-listings.js';
import { countStatuses, sorted, summarize } from '../summary/service-summary.js';
import { type CatalogVersion } from './catalog-version.js';
import { RevisionCache } from './revision-cache.js';

/**
 * How many characters of JSON are cached: as many bytes, but twice that for a text with characters beyond Latin-1. Bytes of
 * compressed forms count, too.
 */
const DEFAULT_MAX_LENGTH = 64 * 1024 * 1024;

/** Size of an entry without its characters. */
const ENTRY_OVERHEAD = 512;

/** A response body that was made from the view, and the last revision that changed what it shows. */
export interface ViewJson {
  readonly revision: number;
  readonly body: string;
  /** The compressed form, if the body is cached. */
  readonly compressed?: CompressedForm;
  /** The part of the ETag after the revision. */
  readonly variant?: string | undefined;
}

/** Something that was found in the catalog, with the state of the catalog in which it was found. */
export type Found<Result extends object = ViewJson> = Result & { readonly catalog: CatalogVersion };

/** What parts of lists are made from, beside the view. */
interface ListSources {
  /** The cache of listings, which reads of the past use as well. */
  readonly listings?: Listings;
  /** The newest changes. */
  readonly changes?: Pick<ChangeFeed, 'after'>;
}

const NO_CHANGES = { after: () => undefined };

/**
 * JSON made from the view, cached until what it shows changes: a request for a service that has not changed costs a lookup.
 * The cache holds strings, because V8 compacts its heap and writes a string to the socket in one piece with the headers;
 * buffers of many sizes that are replaced all the time would fragment the allocator. The compressed forms are buffers, since
 * sockets take nothing else without a copy: they have a tenth of the size, and exist only where they were requested. The view
 * must be readable.
 */
export class CachedJson {
  private readonly cache: RevisionCache<ViewJson>;
  /** The JSON of each service in the list of services, which only its own changes invalidate. */
  private readonly summaries = new WeakMap<ServiceEntry, { readonly revision: number; readonly json: string }>();

  private readonly selectionTexts = new WeakMap<Selection, string>();
  private readonly listings: ViewListings;

  constructor(
    private readonly view: CatalogView,
    maxLength = DEFAULT_MAX_LENGTH,
    { listings = new Listings(), changes = NO_CHANGES }: ListSources = {},
  ) {
    this.listings = new ViewListings(view, listings, changes);
    this.cache = new RevisionCache(view, {
      maxSize: maxLength,
      sizeOf: ({ body, compressed }, key) => body.length + (compressed?.byteLength ?? 0) + key.length + ENTRY_OVERHEAD,
    });
  }

  /** The namespaces that have instances. */
  namespaceList(): ViewJson {
    return this.cached('namespaces', this.view.revision, revision => {
      const namespaces = [...this.view.namespaces().values()]
        .map(({ namespace, size, services }) => ({ namespace, services: services.size, instances: size }))
        .sort((a, b) => (a.namespace < b.namespace ? -1 : 1));
      return JSON.stringify({ revision, namespaces });
    });
  }

  /** Whether the list of services is at hand, so that sending it costs nothing. */
  keepsServiceList(namespace: string): boolean {
    const revision = this.view.namespaceRevision(namespace);
    return revision !== undefined && this.cache.get(`services ${namespace}`, revision) !== undefined;
  }

  /** The same for the instances of a service, or a part of them. @param after as in {@link listPart} */
  keepsList({ namespace, service, selection, part }: ListQuery, after?: string): boolean {
    const revision = this.view.serviceRevision(namespace, service);
    if (revision === undefined) return false;
    const text = this.textOf(selection);
    const key = isWhole(part)
      ? `instances ${namespace} ${service} ${text}`
      : `listed ${namespace} ${service} ${partText(part, after)} ${text}`;
    return this.cache.get(key, revision) !== undefined;
  }

  /** The services of a namespace that have instances. */
  serviceList(namespace: string): ViewJson {
    const touched = this.view.namespaceRevision(namespace) ?? this.view.revision;
    if (this.view.services(namespace).size === 0)
      return uncached(touched, revision => JSON.stringify({ revision, services: [] }));
    return this.cached(`services ${namespace}`, touched, revision => {
      const services = this.view.services(namespace);
      const parts = sorted(services.keys())
        .map(name => services.get(name)!)
        .map(entry => this.summary(entry));
      return `{"revision":${revision},"services":[${parts.join(',')}]}`;
    });
  }

  /**
   * The selected instances of a service, with the counts of all that are selected apart from their status.
   * @throws InvalidFilterError for patterns that are too costly for so many instances
   */
  instanceList(namespace: string, service: string, selection: Selection): ViewJson {
    const touched = this.view.serviceRevision(namespace, service) ?? this.view.revision;
    // Unknown names are not cached: clients can make up any number of them.
    if (this.view.instancesOf(namespace, service).size === 0)
      return uncached(touched, revision => instancesJson(service, revision, [], selection));
    const key = `instances ${namespace} ${service} ${this.textOf(selection)}`;
    return this.cached(key, touched, revision =>
      instancesJson(service, revision, this.view.instancesOf(namespace, service).values(), selection),
    );
  }

  /**
   * A page of that list, or some members of all its instances.
   * @param after the instanceId after which the page begins; undefined for the first one
   * @throws InvalidFilterError for patterns that are too costly for so many instances
   */
  listPart(query: ListQuery, after?: string): ViewJson {
    const { namespace, service, selection, part } = query;
    const touched = this.view.serviceRevision(namespace, service) ?? this.view.revision;
    const instances = this.view.instancesOf(namespace, service);
    const make = (revision: number) => {
      const listing = this.listings.now(query, revision);
      const { page } = pageOf(listing.ids, part.limit, after);
      const views = page.map(id => toInstanceView(instances.get(id)!));
      return listJson({ query, revision, listing, after }, views);
    };
    const variant = variantOf(part, after);
    if (instances.size === 0) return { ...uncached(touched, make), variant };
    const key = `listed ${namespace} ${service} ${partText(part, after)} ${this.textOf(selection)}`;
    return { ...this.cached(key, touched, make), variant };
  }

  /** See {@link ViewListings.restore}. */
  restoreListing(query: ListQuery, revision: number): void {
    this.listings.restore(query, revision);
  }

  private cached(key: string, revision: number, make: (revision: number) => string): ViewJson {
    const known = this.cache.get(key, revision);
    if (known) return known;
    const body = make(revision);
    const compressed = new CompressedForm(body, () => this.cache.resize(key, json));
    const json: ViewJson = { revision, body, compressed };
    this.cache.set(key, revision, json);
    return json;
  }

  /** The text of a selection; repeated selections are serialized once. */
  private textOf(selection: Selection): string {
    let text = this.selectionTexts.get(selection);
    if (text === undefined) this.selectionTexts.set(selection, (text = JSON.stringify(selection)));
    return text;
  }

  private summary(entry: ServiceEntry): string {
    const known = this.summaries.get(entry);
    if (known?.revision === entry.revision) return known.json;
    const json = JSON.stringify(summarize(entry.service, entry.instances.values()));
    this.summaries.set(entry, { revision: entry.revision, json });
    return json;
  }
}

const uncached = (revision: number, make: (revision: number) => string): ViewJson => ({
  revision,
  body: make(revision),
});

function instancesJson(
  service: string,
  revision: number,
  records: Iterable<InstanceRecord>,
  selection: Selection,
): string {
  const matching = [...records].filter(matcherBesideStatus(selection, patternMeter()));
  const counts = countStatuses(matching.map(({ status }) => status));
  const hasStatus = statusTest(selection);
  const instances = matching
    .filter(({ status }) => hasStatus(status))
    .sort((a, b) => (a.instanceId < b.instanceId ? -1 : 1))
    .map(toInstanceView);
  return JSON.stringify({ service, revision, counts, instances });
}
