import { CompressedForm, lengthOf, type SharedBody, sharedIfLarge } from '@coordination/http';
import { type CatalogView, type ChangeFeed, type InstanceRecord, toInstanceView } from '@coordination/catalog';
import { Scheduler, type Turn } from '@coordination/scheduling';
import { listedRecordJson, type ListFrame, listFrame, listJson, wholeListFrame } from '../listing/list-json.js';
import { isWhole, type ListQuery, partText, variantOf, WHOLE } from '../listing/list-query.js';
import { Listings, pageOf } from '../listing/listings.js';
import { selectInTurns, selectNow } from '../listing/select.js';
import { ViewListings } from '../listing/view-listings.js';
import { type Selection } from '../selection/selection.js';
import { type NamespaceJson, NamespaceSummaries } from '../summary/namespace-summaries.js';
import { ServiceSummaries, type SummaryJson } from '../summary/service-summaries.js';
import { Flights } from './flights.js';
import { bodyOfPieces, encodePieces, type Piece } from './pieces.js';
import { RevisionCache } from './revision-cache.js';
import { type KeptJson, type MadeAt, type MadeJson, type ViewJson } from './view-json.js';

export { type Found, type ViewJson } from './view-json.js';

/**
 * How many characters of JSON are cached: as many bytes, but twice that for a text with characters beyond Latin-1. Bytes of
 * compressed forms count, too.
 */
const DEFAULT_MAX_LENGTH = 64 * 1024 * 1024;

/** Size of an entry without its characters. */
const ENTRY_OVERHEAD = 512;

/** Lists of services with more instances, of namespaces with more, and of more namespaces are made in slices and kept in pieces. */
const MADE_AT_ONCE = 500;

/** What lists are made from and with, beside the view. */
interface ListSources {
  /** The cache of listings, which reads of the past use as well. */
  readonly listings?: Listings;
  /** The newest changes. */
  readonly changes?: Pick<ChangeFeed, 'after'>;
  readonly scheduler?: Scheduler;
}

const NO_CHANGES = { after: () => undefined };

/** A body, and what a later one may share with it. */
interface Made {
  readonly body: string | SharedBody;
  readonly pieces?: readonly Piece<object>[];
}

/** What a list shows. */
interface Shown {
  readonly frame: ListFrame;
  readonly records: readonly InstanceRecord[];
}

/**
 * JSON made from the view, cached until what it shows changes: a request for a service that has not changed costs a lookup.
 * - Bodies up to 16 KiB are cached as strings, because V8 compacts its heap and writes a string to the socket in one piece
 *   with the headers; small buffers of many sizes that are replaced all the time would fragment the allocator.
 * - Larger ones are bytes, which sockets refer to without a copy. Compressed forms are bytes, too.
 * - Large lists are made in slices, once for all who ask meanwhile, and kept in pieces, of which a change replaces one.
 *
 * The view must be readable.
 */
export class CachedJson {
  private readonly cache: RevisionCache<KeptJson>;
  private readonly flights: Flights<MadeJson>;
  private readonly namespaces: NamespaceSummaries;
  private readonly summaries: ServiceSummaries;
  private readonly selectionTexts = new WeakMap<Selection, string>();
  private readonly listings: ViewListings;

  constructor(
    private readonly view: CatalogView,
    maxLength = DEFAULT_MAX_LENGTH,
    { listings = new Listings(), changes = NO_CHANGES, scheduler = new Scheduler() }: ListSources = {},
  ) {
    this.listings = new ViewListings(view, listings, changes, scheduler);
    this.namespaces = new NamespaceSummaries(view);
    this.summaries = new ServiceSummaries(view);
    this.flights = new Flights(scheduler);
    this.cache = new RevisionCache(view, {
      maxSize: maxLength,
      sizeOf: ({ body, compressed }, key) =>
        lengthOf(body) + (compressed?.byteLength ?? 0) + key.length + ENTRY_OVERHEAD,
    });
  }

  /** The namespaces that have instances. A promise if it must be made in slices. */
  namespaceList(): ViewJson | Promise<MadeJson> {
    const revisionNow = () => this.view.revision;
    if (this.view.namespaces().size > MADE_AT_ONCE) {
      return this.cachedInTurns('namespaces', revisionNow, (turn, fix) => this.makeNamespaceList(turn, fix));
    }
    return this.cached('namespaces', revisionNow(), () => {
      const { begin, end } = summariesFrame('namespaces', revisionNow());
      const parts = this.namespaces.now().map(({ json }) => json);
      return `${begin}${parts.join(',')}${end}`;
    });
  }

  /** The services of a namespace that have instances. A promise if it must be made in slices. */
  serviceList(namespace: string): ViewJson | Promise<MadeJson> {
    const revisionNow = () => this.view.namespaceRevision(namespace) ?? this.view.revision;
    const revision = revisionNow();
    const { begin, end } = summariesFrame('services', revision);
    const size = this.view.namespaces().get(namespace)?.size ?? 0;
    if (size === 0) return { revision, body: begin + end };
    const key = `services ${namespace}`;
    if (size > MADE_AT_ONCE) {
      return this.cachedInTurns(key, revisionNow, (turn, fix) => this.makeServiceList(namespace, turn, fix));
    }
    return this.cached(key, revision, () => {
      const parts = this.summaries.now(namespace).map(({ json }) => json);
      return `${begin}${parts.join(',')}${end}`;
    });
  }

  /** Whether the list of services is cached or being made, so that one more request for it costs nothing. */
  keepsServiceList(namespace: string): boolean {
    const key = `services ${namespace}`;
    const revision = this.view.namespaceRevision(namespace);
    return this.flights.has(key) || (revision !== undefined && this.cache.get(key, revision) !== undefined);
  }

  /** The same for the instances of a service, or a part of them. @param after as in {@link listPart} */
  keepsList(query: ListQuery, after?: string): boolean {
    const key = this.keyOf(query, after);
    const revision = this.view.serviceRevision(query.namespace, query.service);
    return this.flights.has(key) || (revision !== undefined && this.cache.get(key, revision) !== undefined);
  }

  /**
   * The selected instances of a service, with the counts of all that are selected apart from their status. A promise if it
   * must be made in slices.
   * @throws InvalidFilterError for patterns that are too costly for so many instances
   */
  instanceList(namespace: string, service: string, selection: Selection): ViewJson | Promise<MadeJson> {
    return this.listPart({ namespace, service, selection, part: WHOLE });
  }

  /**
   * A page of that list, or some members of all its instances, or all of it.
   * @param after the instanceId after which the page begins; undefined for the first one
   * @throws InvalidFilterError for patterns that are too costly for so many instances
   */
  listPart(query: ListQuery, after?: string): ViewJson | Promise<MadeJson> {
    const { namespace, service, part } = query;
    const revisionNow = () => this.view.serviceRevision(namespace, service) ?? this.view.revision;
    const revision = revisionNow();
    const { size } = this.view.instancesOf(namespace, service);
    const variant = variantOf(part, after);
    // Unknown names are not cached: clients can make up any number of them.
    if (size === 0) return { revision, body: this.listNow(query, revision, after), variant };
    const key = this.keyOf(query, after);
    if (size <= MADE_AT_ONCE) return this.cached(key, revision, () => this.listNow(query, revision, after), variant);
    const make = (turn: Turn, fix: () => number) => this.makeList({ key, query, after }, turn, fix);
    return this.cachedInTurns(key, revisionNow, make, variant);
  }

  /** The pieces of the cached list of a service, whatever its revision; empty if there is none. */
  piecesOf(query: ListQuery): readonly Piece<object>[] {
    return this.earlierPieces(this.keyOf(query, undefined));
  }

  /** See {@link ViewListings.restore}. */
  restoreListing(query: ListQuery, revision: number): Promise<void> {
    return this.listings.restore(query, revision);
  }

  private listNow(query: ListQuery, revision: number, after: string | undefined): string {
    if (isWhole(query.part)) {
      const { counts, records } = selectNow(this.listings.instances(query), query.selection);
      const { begin, end } = wholeListFrame(query, { revision, counts });
      return `${begin}${records.map(record => listedRecordJson(record, query)).join(',')}${end}`;
    }
    const listing = this.listings.now(query, revision);
    const instances = this.view.instancesOf(query.namespace, query.service);
    const { page } = pageOf(listing.ids, query.part.limit, after);
    const views = page.map(id => toInstanceView(instances.get(id)!));
    return listJson({ query, revision, listing, after }, views);
  }

  private async makeList(
    { key, query, after }: { readonly key: string; readonly query: ListQuery; readonly after: string | undefined },
    turn: Turn,
    fix: () => number,
  ): Promise<Made> {
    const revision = fix();
    const { frame, records } = await (isWhole(query.part)
      ? this.wholeOf(query, revision, turn)
      : this.pageOf(query, revision, after, turn));
    const encoding = { keyOf: idOf, jsonOf: (record: InstanceRecord) => listedRecordJson(record, query) };
    const pieces = await encodePieces(records, this.earlierPieces<InstanceRecord>(key), encoding, turn);
    return { body: bodyOfPieces(frame.begin, pieces, frame.end), pieces };
  }

  /** @param revision the revision of the service, which is the present one when this is called */
  private async wholeOf(query: ListQuery, revision: number, turn: Turn): Promise<Shown> {
    const { counts, records } = await selectInTurns(this.listings.instances(query), query.selection, turn);
    return { frame: wholeListFrame(query, { revision, counts }), records };
  }

  /** The same of a page, or of some members. */
  private async pageOf(query: ListQuery, revision: number, after: string | undefined, turn: Turn): Promise<Shown> {
    const listing = this.listings.known(query, revision);
    if (!listing) {
      const keep = this.listings.keeper(query, revision);
      const selected = await selectInTurns(this.listings.instances(query), query.selection, turn);
      const made = keep(selected);
      const { page, start } = pageOf(made.ids, query.part.limit, after);
      const frame = listFrame({ query, revision, listing: made, after });
      return { frame, records: selected.records.slice(start, start + page.length) };
    }
    const instances = this.view.instancesOf(query.namespace, query.service);
    const { page } = pageOf(listing.ids, query.part.limit, after);
    const frame = listFrame({ query, revision, listing, after });
    return { frame, records: page.map(id => instances.get(id)!) };
  }

  private async makeNamespaceList(turn: Turn, fix: () => number): Promise<Made> {
    const { begin, end } = summariesFrame('namespaces', fix());
    const earlier = this.earlierPieces<NamespaceJson>('namespaces');
    const pieces = await encodePieces(this.namespaces.now(), earlier, NAMESPACE_ENCODING, turn);
    return { body: bodyOfPieces(begin, pieces, end), pieces };
  }

  private async makeServiceList(namespace: string, turn: Turn, fix: () => number): Promise<Made> {
    let revision = 0;
    const services = await this.summaries.inTurns(namespace, turn, () => (revision = fix()));
    const { begin, end } = summariesFrame('services', revision);
    const earlier = this.earlierPieces<SummaryJson>(`services ${namespace}`);
    const pieces = await encodePieces(services, earlier, SUMMARY_ENCODING, turn);
    return { body: bodyOfPieces(begin, pieces, end), pieces };
  }

  private earlierPieces<Item extends object>(key: string): readonly Piece<Item>[] {
    return (this.cache.newest(key)?.pieces ?? []) as readonly Piece<Item>[];
  }

  private cached(key: string, revision: number, make: () => string, variant?: string): ViewJson {
    const known = this.cache.get(key, revision);
    return known ?? this.keep(key, { revision, body: sharedIfLarge(make()), variant });
  }

  /**
   * @param revisionNow the revision of what the body shows, as the view has it now
   * @param make must call `fix`, which returns that revision, in one go with taking what the body is made from
   */
  private cachedInTurns(
    key: string,
    revisionNow: () => number,
    make: (turn: Turn, fix: () => number) => Promise<Made>,
    variant?: string,
  ): ViewJson | Promise<MadeJson> {
    const cachedNow = () => this.cache.get(key, revisionNow());
    const known = cachedNow();
    if (known) return known;
    const makeNow = async (turn: Turn, fixState: () => void): Promise<MadeJson> => {
      const cached = cachedNow();
      if (cached) {
        fixState();
        return { ...cached, madeAt: this.position() };
      }
      const from = { revision: 0, generation: 0, madeAt: this.position() };
      const made = await make(turn, () => {
        fixState();
        Object.assign(from, { generation: this.view.generation, madeAt: this.position() });
        return (from.revision = revisionNow());
      });
      const json = this.keep(key, { ...made, revision: from.revision, variant }, from.generation);
      return { ...json, madeAt: from.madeAt };
    };
    return this.flights.join(key, { state: () => `${this.view.generation} ${revisionNow()}`, make: makeNow });
  }

  private keep(key: string, made: KeptJson, generation = this.view.generation): KeptJson {
    const json: KeptJson = { ...made, compressed: new CompressedForm(made.body, () => this.cache.resize(key, json)) };
    this.cache.set(key, made.revision, json, generation);
    return json;
  }

  private keyOf({ namespace, service, selection, part }: ListQuery, after: string | undefined): string {
    return `listed ${namespace} ${service} ${partText(part, after)} ${this.textOf(selection)}`;
  }

  private position(): MadeAt {
    return { revision: this.view.revision, epoch: this.view.position?.epoch ?? '' };
  }

  /** The text of a selection; repeated selections are serialized once. */
  private textOf(selection: Selection): string {
    let text = this.selectionTexts.get(selection);
    if (text === undefined) this.selectionTexts.set(selection, (text = JSON.stringify(selection)));
    return text;
  }
}

const summariesFrame = (of: string, revision: number) => ({ begin: `{"revision":${revision},"${of}":[`, end: ']}' });

const SUMMARY_ENCODING = {
  keyOf: ({ service }: SummaryJson) => service,
  jsonOf: ({ json }: SummaryJson) => json,
};

const NAMESPACE_ENCODING = {
  keyOf: ({ namespace }: NamespaceJson) => namespace,
  jsonOf: ({ json }: NamespaceJson) => json,
};

const idOf = ({ instanceId }: InstanceRecord): string => instanceId;
