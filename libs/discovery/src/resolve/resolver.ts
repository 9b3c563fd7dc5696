import { LRUCache } from 'lru-cache';
import { NoInstanceAvailableError } from '@coordination/kernel';
import { type CatalogView, toInstanceView } from '@coordination/catalog';
import { type ViewAnswer } from '../responses/cached-json.js';
import { contendersOf, type EligibleInstances, type ResolveRequest } from './eligible-instances.js';
import { instanceUrl } from './instance-url.js';
import { type Pool, type Random } from './pool.js';

/** How many bytes of contenders are kept, roughly. */
const DEFAULT_MAX_BYTES = 32 * 1024 * 1024;

/** What an entry, and what a name in it, cost besides their characters. */
const ENTRY_OVERHEAD_BYTES = 512;
const NAME_OVERHEAD_BYTES = 32;

/** An instance to call, as it is sent. */
export interface Resolved extends ViewAnswer {
  /** Whether the instance was chosen without regard to its health. */
  readonly isPanic: boolean;
}

/** Who had the last turn in each pool. */
interface Turns {
  near?: string;
  far?: string;
}

interface Kept extends EligibleInstances {
  readonly revision: number;
  readonly generation: number;
  /** The same for all revisions of a service, so that a change does not begin the round again. */
  readonly turns: Turns;
}

/**
 * Chooses one instance of a service to call. Who may be called is worked out once per revision of the service and kind of
 * question; choosing takes logarithmic time. What is kept is bounded: a question that was not asked for long is forgotten,
 * with its turn. The view must be readable.
 */
export class Resolver {
  private readonly kept: LRUCache<string, Kept>;

  constructor(
    private readonly view: CatalogView,
    private readonly random: Random,
    maxBytes = DEFAULT_MAX_BYTES,
  ) {
    this.kept = new LRUCache({
      maxSize: maxBytes,
      sizeCalculation: ({ near, far }, key) => key.length + ENTRY_OVERHEAD_BYTES + bytesOf(near) + bytesOf(far),
    });
  }

  /**
   * One instance of a service.
   * @throws NoInstanceAvailableError when there is none to call
   * @throws InvalidFilterError for patterns that are too costly for as many instances
   */
  resolve(namespace: string, service: string, wanted: ResolveRequest): Resolved {
    const revision = this.view.serviceRevision(namespace, service);
    const instances = this.view.instancesOf(namespace, service);
    const nobody = () => new NoInstanceAvailableError(`${namespace}/${service}`, instances.size);
    if (revision === undefined || instances.size === 0) throw nobody();
    const contenders = this.contenders(namespace, service, revision, wanted);
    if (contenders.near.size + contenders.far.size === 0) throw nobody();
    const instance = instances.get(this.choose(contenders, wanted))!;
    const body = JSON.stringify({ url: instanceUrl(instance), instance: toInstanceView(instance) });
    return { revision, body, isPanic: contenders.isPanic };
  }

  private contenders(namespace: string, service: string, revision: number, wanted: ResolveRequest): Kept {
    const key = JSON.stringify([namespace, service, wanted]);
    const { generation } = this.view;
    const kept = this.kept.get(key);
    if (kept?.revision === revision && kept.generation === generation) return kept;
    const contenders = contendersOf(this.view.instancesOf(namespace, service).values(), wanted);
    const made = { ...contenders, revision, generation, turns: kept?.turns ?? {} };
    this.kept.set(key, made);
    return made;
  }

  private choose(contenders: Kept, { strategy }: ResolveRequest): string {
    const side = this.random() < contenders.nearShare ? 'near' : 'far';
    const pool = contenders[side];
    if (strategy !== 'round_robin') return pool.pick(this.random);
    return (contenders.turns[side] = pool.next(contenders.turns[side], this.random));
  }
}

const bytesOf = ({ ids }: Pool): number => ids.reduce((sum, id) => sum + id.length + NAME_OVERHEAD_BYTES, 0);
