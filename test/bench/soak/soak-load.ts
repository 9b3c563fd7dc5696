// The load of a soak, in a process of its own: heartbeats, watchers, reads, and changes at a steady rate on all nodes.
import process from 'node:process';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { Agent } from 'node:http';
import autocannon from 'autocannon';
import { Api } from '../../support/http/api.js';
import { mix, pick } from '../data/mix.js';
import { batchesOf } from '../data/batches-of.js';
import { openWatch } from '../load/open-watch.js';
import { INSTANCES_PATH, registrationOf } from '../load/registration.js';
import { pace, Tally } from './pace.js';
import { type SoakLoadResult, type SoakOptions, type WatcherRecord } from './soak-report.js';

export interface SoakJob {
  readonly urls: readonly string[];
  readonly options: SoakOptions;
  /** Those that renew their leases, all of them. */
  readonly ids: readonly string[];
  readonly services: readonly { readonly namespace: string; readonly service: string }[];
}

/** Renewals in the time that a lease lasts, as clients do it. */
const RENEWALS_PER_TTL = 3;

/** Half of the instances renew themselves, the others by an agent that speaks for so many. */
const PER_AGENT = 200;

/** Services that are watched, by several each. */
const WATCHED = 40;

/** Instances that came with the load and have not gone: so many stay. */
const VISITORS = 500;

const LAST_EVENTS_MS = 5_000;

const job = JSON.parse(await text(process.stdin)) as SoakJob;
const { options, services } = job;
const apis = job.urls.map(url => new Api(url));
const tally = new Tally();
const watchers: {
  -readonly [key in keyof WatcherRecord]: WatcherRecord[key] extends readonly number[] ? number[] : WatcherRecord[key];
}[] = [];
const apiOf = (n: number): Api => apis[n % apis.length]!;
const expect = async (api: Api, method: string, path: string, body?: unknown) => {
  const answer = await api.send<{ id: string; detail: string }>(method, path, body);
  if (answer.status >= 300) throw new Error(`${answer.status} ${answer.body?.detail ?? ''}`);
  return answer.body;
};

async function watchAll(): Promise<void> {
  const agent = new Agent({ keepAlive: false });
  for (let n = 0; n < options.watchers; n++) {
    const { namespace, service } = services[n % Math.min(WATCHED, services.length)]!;
    const record = { namespace, service, since: 0, told: [] as number[] };
    watchers.push(record);
    const url = `${job.urls[n % job.urls.length]}/api/v1/discovery/watch?namespace=${namespace}&service=${service}`;
    await openWatch(
      url,
      agent,
      ({ id, event, data }) => {
        if (event === 'snapshot') record.since = (JSON.parse(data) as { revision: number }).revision;
        else if (event?.startsWith('instance.')) record.told.push(Number(id));
        else if (event === 'reset') tally.fail(`watch: reset ${data}`);
      },
      why => ending || tally.fail(`watch: ${why}`),
    );
  }
}

/** Requests at a steady rate over connections that are kept, through all nodes. */
async function steady(
  what: string,
  perSecond: number,
  seconds: number,
  requestOf: (n: number) => { method: 'GET' | 'PUT'; path: string },
) {
  let n = 0;
  await Promise.all(
    job.urls.map(async url => {
      const { requests, errors, timeouts, non2xx } = await autocannon({
        url,
        connections: 10,
        duration: seconds,
        overallRate: Math.ceil(perSecond / job.urls.length),
        requests: [{ setupRequest: request => ({ ...request, ...requestOf(n++) }) }],
      });
      tally.note(what, requests.total);
      for (let k = 0; k < errors + timeouts; k++) tally.fail(`${what}: no answer`);
      for (let k = 0; k < non2xx; k++) tally.fail(`${what}: not 2xx`);
    }),
  );
}

/** Instances that come and go; those that have come are changed and reported on meanwhile. */
const visitors: string[] = [];

async function arrive(n: number): Promise<void> {
  const { namespace, service } = pick(services, n, 40);
  const body = { ...registrationOf(service, `visitor-${n}`, n), namespace, check: { kind: 'none' } };
  visitors.push((await expect(apiOf(n), 'POST', INSTANCES_PATH, body)).id);
}

async function leave(n: number): Promise<void> {
  if (visitors.length < VISITORS) return;
  await expect(apiOf(n), 'DELETE', `${INSTANCES_PATH}/${visitors.shift()!}`);
}

async function change(n: number): Promise<void> {
  // The first half goes soon.
  const stays = visitors.slice(Math.floor(visitors.length / 2));
  const id = stays.length > 0 ? pick(stays, n, 41) : undefined;
  if (id === undefined) return;
  const path = `${INSTANCES_PATH}/${id}`;
  if (mix(n, 42) % 2 === 0) await expect(apiOf(n), 'PATCH', path, { weight: 1 + (mix(n, 43) % 1_000) });
  else await expect(apiOf(n), 'POST', `${path}/health-reports`, { healthy: mix(n, 44) % 2 === 0 });
}

const SEARCHES = [
  'environment=staging',
  'tag=team%3Dteam-7',
  'appVersion=%5E2.4.0',
  'filter=metadata.cores%20%3E%3D%2016',
];

let ending = false;
await watchAll();
const seconds = options.minutes * 60;
const until = performance.now() + seconds * 1_000;
const half = Math.floor(job.ids.length / 2);
const [alone, spokenFor] = [job.ids.slice(0, half), job.ids.slice(half)];
const agents = [...batchesOf(spokenFor, PER_AGENT)];
const perLease = RENEWALS_PER_TTL / options.ttlSeconds;
await Promise.all([
  steady('heartbeats', alone.length * perLease, seconds, n => ({
    method: 'PUT',
    path: `${INSTANCES_PATH}/${alone[n % alone.length]}/heartbeat`,
  })),
  pace('heartbeats of 200', agents.length * perLease, until, tally, async n => {
    const ids = agents[n % agents.length];
    const { notFound } = await apiOf(n).ok<{ notFound: string[] }>('POST', '/api/v1/registry/heartbeats', { ids });
    if (notFound.length > 0) throw new Error(`${notFound.length} are not known`);
  }),
  steady('discoveries', options.discoveries, seconds, n => {
    const { namespace, service } = pick(services, n, 45);
    return { method: 'GET', path: `/api/v1/discovery/services/${service}/instances?namespace=${namespace}` };
  }),
  pace('searches', options.searches, until, tally, async n => {
    await expect(apiOf(n), 'GET', `/api/v1/discovery/instances?namespace=*&${pick(SEARCHES, n, 46)}`);
  }),
  pace('arrivals', options.arrivals, until, tally, arrive),
  pace('departures', options.arrivals, until, tally, leave),
  pace('changes', options.changes, until, tally, change),
]);
await delay(LAST_EVENTS_MS);
ending = true;
const result: SoakLoadResult = { done: tally.done, errors: tally.errors, watchers };
process.stdout.write(JSON.stringify(result), () => process.exit());
