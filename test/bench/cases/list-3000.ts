import { type BenchCase, type BenchContext, type Measured, type Yardstick } from '../bench-case.js';
import { expectOnly } from '../harness/correctness.js';
import { fill, serviceName } from '../harness/fill.js';
import { withNodes } from '../harness/with-nodes.js';
import { bareRequest } from '../../support/http/bare-request.js';

const CONNECTIONS = 10;
const FILLING = { services: 1, instancesPerService: 3_000 };
const PATH = `/api/v1/discovery/services/${serviceName(0)}/instances`;

const listing =
  (headers: Readonly<Record<string, string>>) =>
  (context: BenchContext): Promise<Measured> =>
    withNodes(context, {}, async ({ node, load }) => {
      await fill(node.api, FILLING);
      const { bytes } = await bareRequest(`${node.url}${PATH}`, headers);
      const workload = { kind: 'same', request: { method: 'GET', path: PATH, headers } } as const;
      const result = await load({ connections: CONNECTIONS, workload });
      expectOnly(result, 200);
      return { ...result, figures: { 'bytes of an answer': bytes.length } };
    });

const PLAIN: Yardstick = { name: 'list-3000', measure: listing({}) };

export const LIST_3000: BenchCase = {
  name: 'list-3000',
  work: 'one service of 3,000 instances, 10 connections',
  unit: 'requests/s',
  targets: [],
  measure: PLAIN.measure,
};

export const LIST_3000_GZIP: BenchCase = {
  name: 'list-3000-gzip',
  work: 'the same with Accept-Encoding: gzip',
  unit: 'requests/s',
  yardstick: PLAIN,
  targets: [{ what: '1 × list-3000', of: 'ratio', atLeast: 1 }],
  measure: listing({ 'accept-encoding': 'gzip' }),
};
