import { type Question } from '../load/questions.js';
import { ask } from '../harness/bench-postgres.js';

const EVENTS = '/api/v1/audit/events';
const SAMPLES = 20;

/** An event of the middle of the log, and what it names. */
interface Sample {
  readonly namespace: string;
  readonly service: string;
  readonly uuid: string;
  readonly actor: string;
  readonly requestId: string;
  readonly at: string;
  readonly revision: number;
}

function query(path: string, parameters: Readonly<Record<string, string | number>>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) search.set(name, String(value));
  return `${path}?${String(search)}`;
}

/** Questions to the log, about events from all over it. */
export async function logQuestions(databaseUrl: string, events: number): Promise<Question[]> {
  const revisions = Array.from({ length: SAMPLES }, (_, n) => Math.floor(((n + 1) * events) / (SAMPLES + 1)));
  const samples = await ask<Sample>(
    databaseUrl,
    `select namespace, service, instance_uuid as uuid, actor, request_id as "requestId",
       to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as at, revision::float8 as revision
     from service_event where revision = any($1::bigint[])`,
    [revisions],
  );
  const of = (name: string, path: (sample: Sample) => string): Question => ({ name, paths: samples.map(path) });
  const instances = '/api/v1/discovery/instances';
  return [
    { name: 'newest events', paths: [EVENTS] },
    of('one event', ({ revision }) => `${EVENTS}/${revision}`),
    of('events of a service', ({ namespace, service }) => query(EVENTS, { namespace, service })),
    of('events of an instance', ({ uuid }) => query(EVENTS, { instance: uuid })),
    of('events of an actor', ({ actor }) => query(EVENTS, { actor })),
    of('events of a request', ({ requestId }) => query(EVENTS, { requestId })),
    of('events from a time on', ({ at }) => query(EVENTS, { from: at, order: 'asc' })),
    of('events of an action up to a time', ({ at }) => query(EVENTS, { to: at, action: 'instance.override_set' })),
    of('history of an instance', ({ uuid }) => `/api/v1/audit/instances/${uuid}/history`),
    of('service as of a revision', ({ namespace, service, revision }) =>
      query(`/api/v1/discovery/services/${service}/instances`, { namespace, asOf: revision }),
    ),
    of('service as of a time', ({ namespace, service, at }) =>
      query(`/api/v1/discovery/services/${service}/instances`, { namespace, asOf: at }),
    ),
    of('catalog page as of a revision', ({ revision }) => query(instances, { namespace: '*', asOf: revision })),
    of('diff of 100 revisions', ({ revision }) =>
      query('/api/v1/discovery/diff', { namespace: '*', from: revision - 100, to: revision }),
    ),
    of('diff of a service over all', ({ namespace, service, revision }) =>
      query('/api/v1/discovery/diff', { namespace, service, from: Math.floor(revision / 2), to: revision }),
    ),
  ];
}
