import { type LoadRequest } from '../load/load-job.js';
import { type Repeated } from './load/callers-job.js';

/** What the requests of readers name. */
export interface KindTargets {
  readonly services: number;
  /** The revision that the catalog was filled up to. */
  readonly revision: number;
  /** The id of an instance with many versions. */
  readonly changedId: string;
}

/** A kind of readers. */
export interface Kind {
  readonly name: string;
  /** How many callers there are, whatever was asked for. */
  readonly callers?: number;
  readonly repeated: (targets: KindTargets) => Repeated;
}

/** The service with the large list. */
export const LARGE_SERVICE = 'large';

export const smallService = (n: number): string => `small-${n}`;

const DISCOVERY = '/api/v1/discovery';
const REGISTRY = '/api/v1/registry/instances';
const AUDIT = '/api/v1/audit';

/** How many different requests there are of a kind whose answer could be kept. */
const VARIETY = 200;

const INSTANCES_OF_A_BATCH = 1_000;
const CALLERS_OF_BATCHES = 8;
const WATCHES = 5_000;

/** How many of the newest revisions `asOf` and diffs begin at. */
const NEWEST = 2_000;

const get = (path: string): LoadRequest => ({ method: 'GET', path });

const withQuery = (path: string, query: Readonly<Record<string, string>>): LoadRequest =>
  get(`${path}?${String(new URLSearchParams(query))}`);

const requests = (...all: readonly LoadRequest[]): Repeated => ({ way: 'requests', requests: all });

const varied = (request: (n: number) => LoadRequest): Repeated =>
  requests(...Array.from({ length: VARIETY }, (_, n) => request(n)));

/** Five patterns that few instances match, each time others: nothing narrows the search, and no answer can be kept. */
export const fivePatterns = (n: number): string =>
  [
    `instanceId matches "^none-${n}-.*x$"`,
    `host matches "^10[.](1|2)[.][0-9]+[.]${n % 256}$"`,
    `zone matches "^mars-[a-z]+-${n}$"`,
    `metadata.rack matches "^q-[0-9]+${n}$"`,
    `tags.team matches "^crew-.*${n}$"`,
  ].join(' or ');

const search = (filter: string): LoadRequest => withQuery(`${DISCOVERY}/instances`, { namespace: '*', filter });

const revisionsBack = ({ revision }: KindTargets, n: number): number => Math.max(1, revision - (n % NEWEST));

/** All kinds of readers, and the batches. */
export const KINDS: readonly Kind[] = [
  { name: 'services', repeated: () => requests(get(`${DISCOVERY}/services`)) },
  {
    name: 'services-type',
    repeated: () => requests(...['gateway', 'cache', 'api'].map(type => get(`${DISCOVERY}/services?type=${type}`))),
  },
  { name: 'large', repeated: () => requests(get(`${DISCOVERY}/services/${LARGE_SERVICE}/instances`)) },
  { name: 'search', repeated: () => varied(n => search(fivePatterns(n))) },
  {
    name: 'as-of',
    repeated: targets =>
      varied(n => get(`${DISCOVERY}/services/${LARGE_SERVICE}/instances?asOf=${revisionsBack(targets, n)}`)),
  },
  {
    name: 'diff',
    repeated: targets =>
      varied(n => {
        const to = revisionsBack(targets, n);
        return get(`${DISCOVERY}/diff?namespace=*&from=${Math.max(0, to - NEWEST)}&to=${to}`);
      }),
  },
  {
    name: 'history',
    repeated: ({ changedId }) => requests(get(`${AUDIT}/instances/${changedId}/history?limit=100`)),
  },
  {
    name: 'events',
    repeated: targets =>
      varied(n => get(`${AUDIT}/events?limit=1000&order=asc&from=${Math.max(1, revisionsBack(targets, n) - NEWEST)}`)),
  },
  { name: 'export', repeated: () => requests(get(`${AUDIT}/export`)) },
  { name: 'verify', repeated: () => requests(get(`${AUDIT}/verify`)) },
  {
    name: 'watches',
    repeated: ({ services }) => ({
      way: 'watches',
      most: WATCHES,
      paths: Array.from(
        { length: Math.min(services, WATCHES) },
        (_, n) => `${DISCOVERY}/watch?service=${smallService(n)}`,
      ),
    }),
  },
  { name: 'openapi', repeated: () => requests(get('/openapi.json'), get('/openapi.yaml')) },
  { name: 'metrics', repeated: () => requests(get('/metrics'), get('/health')) },
  {
    name: 'instance',
    repeated: ({ changedId }) => requests(get(`${REGISTRY}/${changedId}`), get(`${REGISTRY}/${changedId}/explain`)),
  },
  { name: 'unknown', repeated: () => varied(n => get(`/api/v1/unknown-${n}`)) },
  { name: 'docs', repeated: () => requests(get('/docs'), get('/docs/errors'), get('/docs/swagger-ui-bundle.js')) },
  {
    name: 'batches',
    callers: CALLERS_OF_BATCHES,
    repeated: () => ({ way: 'batches', perRequest: INSTANCES_OF_A_BATCH, service: 'batches' }),
  },
];

/** Several kinds at once, each by a part of the callers. */
export const FIVE_KINDS = { name: 'five', kinds: ['large', 'search', 'events', 'openapi', 'verify'] } as const;

/** What can be named as a kind. */
export const KIND_NAMES: readonly string[] = [...KINDS.map(({ name }) => name), FIVE_KINDS.name];

/** The kinds that a name means, with their callers. @throws Error for a name that is none */
export function kindsOf(name: string, callers: number): readonly { readonly kind: Kind; readonly callers: number }[] {
  if (name === FIVE_KINDS.name) {
    const each = Math.max(1, Math.round(callers / FIVE_KINDS.kinds.length));
    return FIVE_KINDS.kinds.flatMap(part => kindsOf(part, each));
  }
  const kind = KINDS.find(each => each.name === name);
  if (!kind) throw new Error(`No such kind: ${name}`);
  return [{ kind, callers: kind.callers ?? callers }];
}

/** The cells that are measured: each kind with each number of callers, and once where the kind decides the number. */
export function cellsOf(
  kinds: readonly string[],
  callers: readonly number[],
): readonly { readonly name: string; readonly callers: number }[] {
  return kinds.flatMap(name => {
    const own = KINDS.find(each => each.name === name)?.callers;
    return (own === undefined ? callers : [own]).map(number => ({ name, callers: number }));
  });
}
