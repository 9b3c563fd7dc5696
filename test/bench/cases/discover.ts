import { type BenchCase, type BenchContext, type Measured, type Yardstick } from '../bench-case.js';
import { expectOnly } from '../harness/correctness.js';
import { fill, serviceName } from '../harness/fill.js';
import { withNodes } from '../harness/with-nodes.js';
import { type LoadRequest } from '../load/load-job.js';
import { http0 } from '../yardsticks/http.js';

const CONNECTIONS = 50;
const FILLING = { services: 1_000, instancesPerService: 5 };

/** What an answer with five instances has (bytes); the yardstick answers as much. */
const ANSWER_BYTES = 4_500;

const path = (n: number, query = ''): string => `/api/v1/discovery/services/${serviceName(n)}/instances${query}`;

const everyService = (query = ''): LoadRequest[] =>
  Array.from({ length: FILLING.services }, (_, n) => ({ method: 'GET', path: path(n, query) }));

interface DiscoverOptions {
  readonly status: number;
  readonly requests: (etags: readonly string[]) => readonly LoadRequest[];
}

const discovering =
  ({ status, requests }: DiscoverOptions) =>
  (context: BenchContext): Promise<Measured> =>
    withNodes(context, {}, async ({ node, load }) => {
      await fill(node.api, FILLING);
      const etags: string[] = [];
      for (let n = 0; n < FILLING.services; n++) {
        etags.push((await node.api.get(path(n))).headers.get('etag') ?? '');
      }
      const workload = { kind: 'in-turn', requests: requests(etags) } as const;
      const result = await load({ connections: CONNECTIONS, workload });
      expectOnly(result, status);
      return result;
    });

const discoverOnce = discovering({ status: 200, requests: () => everyService() });

const HTTP0: Yardstick = {
  name: 'HTTP0',
  measure: ({ seconds, warmUpSeconds }) => http0({ connections: CONNECTIONS, seconds, warmUpSeconds }, ANSWER_BYTES),
};

const DISCOVER_YARDSTICK: Yardstick = { name: 'discover', measure: discoverOnce };

export const DISCOVER: BenchCase = {
  name: 'discover',
  work: 'one service of 5 instances out of 1,000 services, 50 connections',
  unit: 'requests/s',
  yardstick: HTTP0,
  targets: [
    { what: '0.6 × HTTP0', of: 'ratio', atLeast: 0.6 },
    { what: 'p99 10 ms', of: 'p99', atMost: 10 },
  ],
  measure: discoverOnce,
};

export const DISCOVER_304: BenchCase = {
  name: 'discover-304',
  work: 'the same with If-None-Match',
  unit: 'requests/s',
  yardstick: DISCOVER_YARDSTICK,
  targets: [{ what: '1 × discover', of: 'ratio', atLeast: 1 }],
  measure: discovering({
    status: 304,
    requests: etags =>
      everyService().map((request, n) => ({ ...request, headers: { 'if-none-match': etags[n] ?? '' } })),
  }),
};

export const STRONG_READ: BenchCase = {
  name: 'strong-read',
  work: 'discover with consistency=strong, 50 connections',
  unit: 'requests/s',
  yardstick: DISCOVER_YARDSTICK,
  targets: [{ what: '0.5 × discover', of: 'ratio', atLeast: 0.5 }],
  measure: discovering({ status: 200, requests: () => everyService('?consistency=strong') }),
};
