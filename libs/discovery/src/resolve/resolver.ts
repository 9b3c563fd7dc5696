import { CatalogView, toInstanceView } from '@coordination/catalog';
import { NoInstanceAvailableError } from '@coordination/kernel';
import { Inject, Injectable, Optional } from '@nestjs/common';
import { FreshReads } from '../freshness/fresh-reads.js';
import { LARGE_WORK } from '../large-work.js';
import { type MemoryPlaces } from '../memory-places.js';
import { EVENTUAL } from '../freshness/read-consistency.js';
import { resolveBound } from '../kept-shares.js';
import { RevisionCache } from '../responses/revision-cache.js';
import { type Found, type ViewJson } from '../responses/view-json.js';
import { eligibleInstances, type EligibleInstances, type ResolveRequest } from './eligible-instances.js';
import { instanceUrl } from './instance-url.js';
import { type Pool, type Random } from './pool.js';

/** How many bytes of eligible instances are cached, roughly, where there is no memory budget. */
const DEFAULT_MAX_BYTES = 32 * 1024 * 1024;

/** Size of an entry, and of an id in it, without their characters. */
const ENTRY_OVERHEAD_BYTES = 512;
const ID_OVERHEAD_BYTES = 32;

/** An instance to call, as it is sent. */
export interface Resolved extends ViewJson {
  readonly body: string;
  /** Whether the instance was chosen without regard to its health. */
  readonly isPanic: boolean;
}

/** The id that was chosen last in each pool. */
interface RoundRobinPosition {
  local?: string;
  remote?: string;
}

interface Cached extends EligibleInstances {
  /** Shared by all revisions of a service, so that a change does not start the round again. */
  readonly position: RoundRobinPosition;
}

/**
 * Chooses one instance of a service to call. The eligible instances are determined once per revision of the service and kind
 * of request; the choice takes logarithmic time. The cache is bounded: it evicts requests that were not repeated for long,
 * with their round-robin position.
 */
@Injectable()
export class Resolver {
  private readonly cache: RevisionCache<Cached>;

  constructor(
    private readonly view: CatalogView,
    private readonly fresh: FreshReads,
    @Optional() private readonly random: Random = Math.random,
    @Optional() @Inject(resolveBound) maxBytes = DEFAULT_MAX_BYTES,
  ) {
    this.cache = new RevisionCache(view, {
      maxSize: maxBytes,
      sizeOf: ({ local, remote }, key) => key.length + ENTRY_OVERHEAD_BYTES + bytesOf(local) + bytesOf(remote),
    });
  }

  /**
   * One instance of a service.
   * @param places for the work to determine the eligible instances of a large service
   * @throws StartingError, StaleViewError, and what {@link FreshReads} throws
   * @throws NoInstanceAvailableError when there is none to call
   * @throws InvalidFilterError for patterns that are too costly for so many instances
   */
  async resolve(
    namespace: string,
    service: string,
    request: ResolveRequest,
    consistency = EVENTUAL,
    places?: MemoryPlaces,
  ): Promise<Found<Resolved>> {
    await this.fresh.untilFresh(consistency);
    const isLarge = () => this.isLarge(namespace, service, request);
    const read = () => this.fresh.now(() => this.choose(namespace, service, request), consistency);
    return places && isLarge() ? await places.once(keyOf(namespace, service, request), isLarge, read) : read();
  }

  /** Does the same without waiting and without the state of the catalog. The view must be readable. */
  choose(namespace: string, service: string, request: ResolveRequest): Resolved {
    const revision = this.view.serviceRevision(namespace, service);
    const instances = this.view.instancesOf(namespace, service);
    const noneAvailable = () => new NoInstanceAvailableError(`${namespace}/${service}`, instances.size);
    if (revision === undefined || instances.size === 0) throw noneAvailable();
    const eligible = this.eligible(namespace, service, revision, request);
    if (eligible.local.size + eligible.remote.size === 0) throw noneAvailable();
    const instance = instances.get(this.chooseId(eligible, request))!;
    const body = JSON.stringify({ url: instanceUrl(instance), instance: toInstanceView(instance) });
    return { revision, body, isPanic: eligible.isPanic };
  }

  /** Whether the eligible instances must be determined, from many. */
  private isLarge(namespace: string, service: string, request: ResolveRequest): boolean {
    if (this.view.instancesOf(namespace, service).size <= LARGE_WORK) return false;
    const revision = this.view.serviceRevision(namespace, service);
    return revision === undefined || !this.cache.get(keyOf(namespace, service, request), revision);
  }

  private eligible(namespace: string, service: string, revision: number, request: ResolveRequest): Cached {
    const key = keyOf(namespace, service, request);
    const known = this.cache.get(key, revision);
    if (known) return known;
    const position = this.cache.newest(key)?.position ?? {};
    const found = eligibleInstances(this.view.instancesOf(namespace, service).values(), request);
    const cached = { ...found, position };
    this.cache.set(key, revision, cached);
    return cached;
  }

  private chooseId(eligible: Cached, { strategy }: ResolveRequest): string {
    const side = this.random() < eligible.localShare ? 'local' : 'remote';
    const pool = eligible[side];
    if (strategy !== 'round_robin') return pool.pick(this.random);
    return (eligible.position[side] = pool.next(eligible.position[side], this.random));
  }
}

const keyOf = (namespace: string, service: string, request: ResolveRequest): string =>
  JSON.stringify([namespace, service, request]);

const bytesOf = ({ ids }: Pool): number => ids.reduce((sum, id) => sum + id.length + ID_OVERHEAD_BYTES, 0);
