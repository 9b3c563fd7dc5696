import { type Answer, type Api, INSTANCES, named } from './api.js';

/** What a caller did and was told. */
export interface Told {
  readonly operation: string;
  readonly instanceId: string;
  readonly status: number;
  /** The code of the problem, where it was one. */
  readonly code: string | undefined;
  /** The version of the instance that was answered, where one was. */
  readonly version: number | undefined;
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
  readonly operations: number;
  /** Ends the load early. */
  readonly signal?: AbortSignal;
}

type Pick = (choices: number) => number;
type Operation = readonly [name: string, send: (api: Api, path: string, headers: Headers, pick: Pick) => Call];
type Headers = Readonly<Record<string, string>>;
type Call = Promise<Answer<{ readonly code?: string; readonly version?: number }>>;

const SERVICE = 'contended';

const OPERATIONS: readonly Operation[] = [
  ['register', (api, path, headers, pick) => api.send('PUT', path, { host: '10.0.0.1', port: 80 + pick(3) }, headers)],
  ['patch', (api, path, headers, pick) => api.send('PATCH', path, { weight: pick(1_000) }, headers)],
  [
    'report',
    (api, path, headers, pick) => api.send('POST', `${path}/health-reports`, { healthy: pick(2) > 0 }, headers),
  ],
  [
    'override',
    (api, path, headers, pick) =>
      api.send('PUT', `${path}/override`, { status: 'stopping', reason: `${pick(9)}` }, headers),
  ],
  ['clear', (api, path, headers) => api.send('DELETE', `${path}/override`, undefined, headers)],
  ['heartbeat', (api, path, headers) => api.send('PUT', `${path}/heartbeat`, undefined, headers)],
  [
    'deregister',
    (api, path, headers, pick) => (pick(4) > 0 ? api.get(path) : api.send('DELETE', path, undefined, headers)),
  ],
  [
    'register-new',
    (api, _path, headers, pick) =>
      api.send('POST', INSTANCES, { service: SERVICE, host: '10.1.0.1', port: 1 + pick(60_000) }, headers),
  ],
];

/**
 * Lets clients do everything that there is to the same few instances, each after the other's answer. A client whose
 * connection breaks counts that as status 0: it was told nothing.
 */
export async function runMixedLoad({
  apis,
  seed,
  clients,
  names,
  operations,
  signal,
}: MixedLoadOptions): Promise<Told[]> {
  const told: Told[] = [];
  const isOver = () => signal?.aborted === true;
  const client = async (number: number) => {
    const random = seeded(seed * 1_000 + number);
    const pick: Pick = choices => Math.floor(random() * choices);
    for (let n = 0; n < operations && !isOver(); n++) {
      const instanceId = `i-${pick(names)}`;
      const [operation, send] = OPERATIONS[pick(OPERATIONS.length)]!;
      const requestId = `load-${seed}-${number}-${n}`;
      const headers = { 'x-request-id': requestId };
      const answer = await send(apis[pick(apis.length)]!, named(instanceId, SERVICE), headers, pick).catch(
        () => undefined,
      );
      told.push({
        operation,
        instanceId,
        status: answer?.status ?? 0,
        code: answer?.body?.code,
        version: answer?.body?.version,
        revision: answer?.revision ?? Number.NaN,
        requestId,
      });
    }
  };
  await Promise.all(Array.from({ length: clients }, (_, number) => client(number)));
  return told;
}
