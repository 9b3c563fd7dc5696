import { type BenchCase, type Yardstick } from '../bench-case.js';
import { expectOnly } from '../harness/correctness.js';
import { fill, registrations } from '../harness/fill.js';
import { withNodes } from '../harness/with-nodes.js';
import { INSTANCES_PATH } from '../load/registration.js';
import { type LoadRequest } from '../load/load-job.js';
import { http1 } from '../yardsticks/http.js';

const CONNECTIONS = 50;
const FILLING = { services: 200, instancesPerService: 5 };

const register = (body: object): LoadRequest => ({
  method: 'POST',
  path: INSTANCES_PATH,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

const againRequests = (): LoadRequest[] => [...registrations(FILLING)].map(register);

/** HTTP alone, with a request of this kind. */
const http1With = (request: () => LoadRequest): Yardstick => ({
  name: 'HTTP1',
  measure: ({ seconds, warmUpSeconds }) => http1({ connections: CONNECTIONS, seconds, warmUpSeconds }, request()),
});

export const REGISTER_AGAIN: BenchCase = {
  name: 'register-again',
  work: 'the same registrations unchanged, 50 connections',
  unit: 'registrations/s',
  yardstick: http1With(() => againRequests()[0]!),
  targets: [
    { what: '0.35 × HTTP1', of: 'ratio', atLeast: 0.35 },
    { what: 'no revisions', of: 'figure revisions', atMost: 0 },
  ],
  measure: context =>
    withNodes(context, {}, async ({ node, load }) => {
      await fill(node.api, FILLING);
      const revision = async () => (await node.api.ok<{ revision: number }>('GET', '/api/v1/audit/head')).revision;
      const before = await revision();
      const workload = { kind: 'in-turn', requests: againRequests() } as const;
      const result = await load({ connections: CONNECTIONS, workload });
      expectOnly(result, 200);
      return { ...result, figures: { revisions: (await revision()) - before } };
    }),
};

const beat = (id: string): LoadRequest => ({ method: 'PUT', path: `${INSTANCES_PATH}/${id}/heartbeat` });

export const HEARTBEAT: BenchCase = {
  name: 'heartbeat',
  work: 'single renewals, 50 connections',
  unit: 'heartbeats/s',
  yardstick: http1With(() => ({ method: 'PUT', path: '' })),
  targets: [{ what: '0.6 × HTTP1', of: 'ratio', atLeast: 0.6 }],
  measure: context =>
    withNodes(context, {}, async ({ node, load }) => {
      const ids = await fill(node.api, FILLING);
      const workload = { kind: 'in-turn', requests: ids.map(beat) } as const;
      const result = await load({ connections: CONNECTIONS, workload });
      expectOnly(result, 204);
      return result;
    }),
};
