import { LRUCache } from 'lru-cache';
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
import { type ListQuestion, partText, variantOf } from '../listing/list-question.js';
import { Listings, pageOf } from '../listing/listings.js';
import { ViewListings } from '../listing/view-listings.js';
import { countStatuses, sorted, summarize } from '../search/service-summary.js';

/**
 * How many characters of answers are kept: as many bytes, but twice that for an answer with any beyond Latin-1. Bytes of
 * compressed forms count, too.
 */
const DEFAULT_MAX_LENGTH = 64 * 1024 * 1024;

/** What an entry costs besides its characters. */
const ENTRY_OVERHEAD = 512;

/** An answer as it is sent, and the revision that it is of: the last one that touched what it tells. */
export interface ViewAnswer {
  readonly revision: number;
  readonly body: string;
  /** The same compressed, where the answer is kept. */
  readonly compressed?: CompressedForm;
  /** What its ETag has beside the revision. */
  readonly variant?: string | undefined;
}

interface Kept extends ViewAnswer {
  readonly generation: number;
  readonly compressed: CompressedForm;
}

/** What parts of lists are made from, beside the view. */
interface ListSources {
  /** Where listings are kept; the past takes them from there, too. */
  readonly listings?: Listings;
  /** The newest changes. */
  readonly changes?: Pick<ChangeFeed, 'after'>;
}

const NO_CHANGES = { after: () => undefined };

/**
 * Answers from the view as text, which is kept until what it tells of changes: a request for a service that has not
 * changed costs no more than looking it up. Text lies in V8's heap, which is compacted, and is written to the socket in one
 * piece with the headers; buffers of many sizes that are replaced all the time leave the allocator with holes. Their compressed
 * forms are buffers, since sockets take nothing else without a copy: a tenth of the size, and only of what was asked for so.
 * The view must be readable.
 */
export class CachedJson {
  private readonly kept: LRUCache<string, Kept>;
  /** The part of each service in the list of services, which only its own changes make anew. */
  private readonly summaries = new WeakMap<ServiceEntry, { readonly revision: number; readonly json: string }>();

  private readonly selections = new WeakMap<Selection, string>();
  private readonly listings: ViewListings;

  constructor(
    private readonly view: CatalogView,
    maxLength = DEFAULT_MAX_LENGTH,
    { listings = new Listings(), changes = NO_CHANGES }: ListSources = {},
  ) {
    this.listings = new ViewListings(view, listings, changes);
    this.kept = new LRUCache({
      maxSize: maxLength,
      sizeCalculation: ({ body, compressed }, key) => body.length + compressed.byteLength + key.length + ENTRY_OVERHEAD,
    });
  }

  /** The namespaces that have instances. */
  namespaces(): ViewAnswer {
    return this.once('namespaces', this.view.revision, revision => {
      const namespaces = [...this.view.namespaces().values()]
        .map(({ namespace, size, services }) => ({ namespace, services: services.size, instances: size }))
        .sort((a, b) => (a.namespace < b.namespace ? -1 : 1));
      return JSON.stringify({ revision, namespaces });
    });
  }

  /** The services of a namespace that have instances; a namespace that never had any is empty as of now. */
  services(namespace: string): ViewAnswer {
    const touched = this.view.namespaceRevision(namespace) ?? this.view.revision;
    if (this.view.services(namespace).size === 0)
      return made(touched, revision => JSON.stringify({ revision, services: [] }));
    return this.once(`services ${namespace}`, touched, revision => {
      const services = this.view.services(namespace);
      const parts = sorted(services.keys())
        .map(name => services.get(name)!)
        .map(entry => this.summary(entry));
      return `{"revision":${revision},"services":[${parts.join(',')}]}`;
    });
  }

  /**
   * The selected instances of a service, with the counts of all that are selected but for their status.
   * @throws InvalidFilterError for patterns that are too costly for as many instances
   */
  instancesOf(namespace: string, service: string, selection: Selection): ViewAnswer {
    const touched = this.view.serviceRevision(namespace, service) ?? this.view.revision;
    // Nothing is kept for names that anybody can make up.
    if (this.view.instancesOf(namespace, service).size === 0)
      return made(touched, revision => instancesJson(service, revision, [], selection));
    const key = `instances ${namespace} ${service} ${this.textOf(selection)}`;
    return this.once(key, touched, revision =>
      instancesJson(service, revision, this.view.instancesOf(namespace, service).values(), selection),
    );
  }

  /**
   * A page of them, or some members of all of them.
   * @param after the instanceId after which the page begins; undefined for the first one
   * @throws InvalidFilterError for patterns that are too costly for as many instances
   */
  listed(question: ListQuestion, after?: string): ViewAnswer {
    const { namespace, service, selection, part } = question;
    const touched = this.view.serviceRevision(namespace, service) ?? this.view.revision;
    const instances = this.view.instancesOf(namespace, service);
    const make = (revision: number) => {
      const listing = this.listings.now(question, revision);
      const { page } = pageOf(listing.ids, part.limit, after);
      const views = page.map(id => toInstanceView(instances.get(id)!));
      return listJson({ question, revision, listing, after }, views);
    };
    const variant = variantOf(part, after);
    if (instances.size === 0) return { ...made(touched, make), variant };
    const key = `listed ${namespace} ${service} ${partText(part, after)} ${this.textOf(selection)}`;
    return { ...this.once(key, touched, make), variant };
  }

  /** See {@link ViewListings.recall}. */
  recallListing(question: ListQuestion, revision: number): void {
    this.listings.recall(question, revision);
  }

  private once(key: string, revision: number, make: (revision: number) => string): ViewAnswer {
    const { generation } = this.view;
    const kept = this.kept.get(key);
    if (kept?.revision === revision && kept.generation === generation) return kept;
    const body = make(revision);
    const compressed = new CompressedForm(body, () => this.weighAgain(key, answer));
    const answer: Kept = { revision, generation, body, compressed };
    this.kept.set(key, answer);
    return answer;
  }

  /** Only another object is weighed by the cache. */
  private weighAgain(key: string, answer: Kept): void {
    if (this.kept.peek(key) === answer) this.kept.set(key, { ...answer });
  }

  /** Selections that are asked for over and over are put into words once. */
  private textOf(selection: Selection): string {
    let text = this.selections.get(selection);
    if (text === undefined) this.selections.set(selection, (text = JSON.stringify(selection)));
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

const made = (revision: number, make: (revision: number) => string): ViewAnswer => ({ revision, body: make(revision) });

function instancesJson(
  service: string,
  revision: number,
  records: Iterable<InstanceRecord>,
  selection: Selection,
): string {
  const meant = [...records].filter(matcherBesideStatus(selection, patternMeter()));
  const counts = countStatuses(meant.map(({ status }) => status));
  const hasStatus = statusTest(selection);
  const instances = meant
    .filter(({ status }) => hasStatus(status))
    .sort((a, b) => (a.instanceId < b.instanceId ? -1 : 1))
    .map(toInstanceView);
  return JSON.stringify({ service, revision, counts, instances });
}
