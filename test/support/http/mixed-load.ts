import { type LogEvent } from '@coordination/log';
import { expect } from 'vitest';
import { type Answer, type Api, INSTANCES, type LeasedView, named, type Problem } from './api.js';

/** What a caller did and was told. */
export interface Told {
  readonly operation: string;
  readonly instanceId: string;
  readonly status: number;
  /** The code of the problem, where it was one. */
  readonly code: string | undefined;
  /** The instance that was answered, where one was. */
  readonly instance: Pick<LeasedView, 'id' | 'version' | 'revision'> | undefined;
  /** The revision of the catalog that answered. */
  readonly revision: number;
  readonly requestId: string;
}

/** Numbers from 0 to 1 that are the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** How a load is made. */
export interface MixedLoadOptions {
  readonly apis: readonly Api[];
  readonly seed: number;
  readonly clients: number;
  /** Names that the clients fight over. */
  readonly names: number;
  /** How many operations each client does at most. */
  readonly operations?: number;
  /**
   * How long the leases of what it registers last. By default none ends while a test looks at what the load has made,
   * however slow the machine is.
   */
  readonly ttlSeconds?: number;
}

const LASTING_SECONDS = 3_600;

/** A load that is under way. */
export interface MixedLoad {
  /** What callers were told so far. */
  readonly told: readonly Told[];
  /** How many of them were told that it is done. */
  acknowledged(): number;
  /** Resolves when every client has done all that it was to do. */
  readonly finished: Promise<void>;
  /** Ends it, once every client has its last answer. */
  stop(): Promise<void>;
}

type Choose = (choices: number) => number;
type Operation = readonly [name: string, send: (call: Called) => Call];
type Headers = Readonly<Record<string, string>>;
type Call = Promise<Answer<unknown>>;

interface Called {
  readonly api: Api;
  /** Of one of the names that are fought over. */
  readonly path: string;
  readonly headers: Headers;
  readonly pick: Choose;
  readonly ttlSeconds: number;
}

const SERVICE = 'contended';

const check = ({ ttlSeconds }: Called) => ({ kind: 'heartbeat', ttlSeconds });

const OPERATIONS: readonly Operation[] = [
  [
    'register',
    call =>
      call.api.send('PUT', call.path, { host: '10.0.0.1', port: 80 + call.pick(3), check: check(call) }, call.headers),
  ],
  ['patch', ({ api, path, headers, pick }) => api.send('PATCH', path, { weight: pick(1_000) }, headers)],
  [
    'report',
    ({ api, path, headers, pick }) => api.send('POST', `${path}/health-reports`, { healthy: pick(2) > 0 }, headers),
  ],
  [
    'override',
    ({ api, path, headers, pick }) =>
      api.send('PUT', `${path}/override`, { status: 'stopping', reason: `${pick(9)}` }, headers),
  ],
  ['clear', ({ api, path, headers }) => api.send('DELETE', `${path}/override`, undefined, headers)],
  ['heartbeat', ({ api, path, headers }) => api.send('PUT', `${path}/heartbeat`, undefined, headers)],
  [
    'deregister',
    ({ api, path, headers, pick }) => (pick(4) > 0 ? api.get(path) : api.send('DELETE', path, undefined, headers)),
  ],
  [
    'register-new',
    call => {
      const { api, headers, pick } = call;
      const spec = { service: SERVICE, host: '10.1.0.1', port: 1 + pick(60_000), check: check(call) };
      return api.send('POST', INSTANCES, spec, headers);
    },
  ],
];

/**
 * Lets clients do everything that there is to the same few instances, each after the other's answer. A client whose
 * connection breaks counts that as status 0: it was told nothing.
 */
export function startMixedLoad(options: MixedLoadOptions): MixedLoad {
  const { apis, seed, clients, names, operations = Infinity, ttlSeconds = LASTING_SECONDS } = options;
  const told: Told[] = [];
  const ending = new AbortController();
  const client = async (number: number) => {
    const random = seeded(seed * 1_000 + number);
    const pick: Choose = choices => Math.floor(random() * choices);
    for (let n = 0; n < operations && !ending.signal.aborted; n++) {
      const instanceId = `i-${pick(names)}`;
      const [operation, send] = OPERATIONS[pick(OPERATIONS.length)]!;
      const requestId = `load-${seed}-${number}-${n}`;
      const headers = { 'x-request-id': requestId };
      const api = apis[pick(apis.length)]!;
      const path = named(instanceId, SERVICE);
      const answer = await send({ api, path, headers, pick, ttlSeconds }).catch(() => undefined);
      told.push({
        operation,
        instanceId,
        status: answer?.status ?? 0,
        code: answer !== undefined && answer.status >= 400 ? (answer.body as Problem).code : undefined,
        instance: answer?.status === 200 || answer?.status === 201 ? trimmed(answer.body as LeasedView) : undefined,
        revision: answer?.revision ?? Number.NaN,
        requestId,
      });
    }
  };
  const finished = Promise.all(Array.from({ length: clients }, (_, number) => client(number))).then(() => undefined);
  return {
    told,
    acknowledged: () => told.filter(({ status }) => status === 200 || status === 201).length,
    finished,
    async stop() {
      ending.abort();
      await finished;
    },
  };
}

const trimmed = ({ id, version, revision }: LeasedView) => ({ id, version, revision });

/** Problems that a caller may be told while something of the service is broken. */
const FAULTS = new Set(['STORE_UNAVAILABLE', 'OUTCOME_UNKNOWN', 'STARTING', 'STALE_VIEW', 'QUEUE_FULL']);

/**
 * Asserts that every answer is true of the log: what was acknowledged is in it, what was said not to have happened is
 * not, and no request made two events.
 * @param faults whether something was broken meanwhile, so that callers may have been told that
 */
export function assertAnswersAreTrue(
  told: readonly Told[],
  events: readonly LogEvent[],
  { faults }: { readonly faults: boolean },
): void {
  const changes = new Map(events.map(event => [`${event.instanceUuid} ${event.version}`, event]));
  const byRequest = new Map(events.map(event => [event.requestId, event]));
  const requests = events.filter(event => event.source === 'api').map(event => event.requestId);
  expect(new Set(requests).size, 'a request made two events').toBe(requests.length);
  for (const answer of told) {
    const { status, code, instance, requestId, revision } = answer;
    const what = JSON.stringify(answer);
    const event = byRequest.get(requestId);
    if (status === 0 || code === 'OUTCOME_UNKNOWN') {
      expect(faults, `nothing was broken, but: ${what}`).toBe(true);
    } else if (status >= 400) {
      expect(code === 'INSTANCE_NOT_FOUND' || (faults && FAULTS.has(code ?? '')), what).toBe(true);
      expect(event, `said not to have happened, but is in the log: ${what}`).toBeUndefined();
    } else {
      if (instance) {
        const change = changes.get(`${instance.id} ${instance.version}`);
        expect(change?.revision, `acknowledged, but not in the log: ${what}`).toBe(instance.revision);
      }
      if (event)
        expect(revision, `answered from before its own change: ${what}`).toBeGreaterThanOrEqual(event.revision);
    }
    const mustBeThere = status === 201 || (status === 204 && answer.operation === 'deregister');
    if (mustBeThere) expect(event, `acknowledged, but not in the log: ${what}`).toBeDefined();
  }
}
