import * as fc from 'fast-check';
import pLimit from 'p-limit';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { type Problem } from '../../support/http/api.js';
import { type CatalogService, startCatalog } from '../../support/catalog/catalog-service.js';
import {
  type ApiDocument,
  operationsOf,
  type Parameter,
  type PlacedOperation,
  resolved,
  type Schema,
} from '../../support/openapi/openapi-schemas.js';
import { requestOf, type Trial, type TrialRequest } from '../../support/openapi/openapi-trials.js';
import { allowedBy, refusedBy } from '../../support/openapi/openapi-values.js';

// Some thousand requests.
vi.setConfig({ testTimeout: 600_000, hookTimeout: 240_000 });

const SEED = 20_261_123;
const ALLOWED = 3;
const REFUSED = 5;
/** Requests under way at once. */
const AT_ONCE = 8;

/** What a schema does not say, and descriptions do; so a value that the schema allows may be refused all the same. */
const SAID_IN_WORDS: Readonly<Record<string, string>> = {
  host: 'no name ends in a number, and no address is unspecified',
  since: 'the request is held',
  minRevision: 'the request is held until the node has it',
  waitSeconds: 'it goes with since',
  from: 'it lies before `to`, and a time is a day of the calendar',
  to: 'as from',
  asOf: 'as from',
  afterRevision: 'as from',
  beforeRevision: 'as from',
  clientAddress: 'it is an address or a CIDR',
  cursor: 'one that was given; for the list of a service, with a limit',
  until: 'it lies ahead',
  all: 'nothing else narrows then',
  instanceId: 'neither . nor ..; a PUT does not change it',
  namespace: 'body and query agree',
  service: 'body and path agree',
  status: 'probes decide the health of what they probe',
  consistency: 'not with asOf',
  anchor: 'its revision lies below 2^53',
};

let catalog: CatalogService;
let document: ApiDocument;
let operations: PlacedOperation[];

beforeAll(async () => {
  catalog = await startCatalog();
  document = await catalog.api.ok<ApiDocument>('GET', '/openapi.json');
  operations = operationsOf(document).filter(({ path }) => path.startsWith('/api/'));
});
afterAll(() => catalog.close());

/** One value in one place of a request that is fine otherwise. */
interface Attempt {
  readonly operation: PlacedOperation;
  readonly place: Parameter['in'] | 'body';
  readonly name: string;
  readonly value: unknown;
}

interface Place {
  readonly place: Attempt['place'];
  readonly name: string;
  readonly schema: Schema;
}

const bodyOf = ({ requestBody }: PlacedOperation): Schema =>
  resolved(document, Object.values(requestBody?.content ?? {})[0]?.schema ?? {});

function placesOf(operation: PlacedOperation): Place[] {
  const parameters = (operation.parameters ?? []).map(({ in: place, name, schema }) => ({ place, name, schema }));
  const members = Object.entries(bodyOf(operation).properties ?? {});
  return [...parameters, ...members.map(([name, schema]) => ({ place: 'body' as const, name, schema }))];
}

type Values = (document: ApiDocument, schema: Schema, inBody: boolean) => fc.Arbitrary<unknown> | undefined;

const attemptsOf = (operation: PlacedOperation, values: Values, numRuns: number): Attempt[] =>
  placesOf(operation).flatMap(({ place, name, schema }) => {
    const arbitrary = values(document, schema, place === 'body');
    if (!arbitrary) return [];
    return fc.sample(arbitrary, { numRuns, seed: SEED }).map(value => ({ operation, place, name, value }));
  });

/** The request of the examples with one value in place; undefined if no client could send it. */
function requestWith({ operation, place, name, value }: Attempt): TrialRequest | undefined {
  const text = String(value);
  const parameters = (operation.parameters ?? []).map(parameter =>
    parameter.in === 'path' && place === 'path' && parameter.name === name
      ? { ...parameter, example: text }
      : parameter,
  );
  const { path, method } = operation;
  const trial = { path, method: method.toUpperCase(), operation: { ...operation, parameters } };
  const request = requestOf(trial as unknown as Trial);
  switch (place) {
    case 'body':
      return { ...request, body: { ...(request.body as object), [name]: value } };
    case 'header':
      if (text !== text.trim() || text === '' || /[^\x20-\x7e]/.test(text)) return undefined;
      return { ...request, headers: { ...request.headers, [name]: text } };
    case 'query': {
      const [target = '', rest = ''] = request.target.split('?');
      const query = new URLSearchParams(rest);
      query.delete(name);
      for (const one of [value].flat()) query.append(name, String(one));
      return { ...request, target: `${target}?${query.toString()}` };
    }
    default:
      // Clients take segments of dots out of paths, and an empty one makes another path.
      return ['', '.', '..'].includes(text) ? undefined : request;
  }
}

/** Sends a request, and tells what was said of the place. Bodies of endless answers are left unread. */
async function complaintAbout(attempt: Attempt): Promise<{ status: number; isAboutIt: boolean } | undefined> {
  const request = requestWith(attempt);
  if (!request) return undefined;
  const { method, target, headers, body } = request;
  const response = await fetch(catalog.api.url + target, {
    method,
    headers,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  if (response.status < 400) {
    await response.body?.cancel();
    return { status: response.status, isAboutIt: false };
  }
  const { errors = [], code } = (await response.json()) as Problem;
  const { place, name } = attempt;
  const pointer = place === 'body' ? `/${name}` : `/${place}/${place === 'header' ? name.toLowerCase() : name}`;
  const isAboutIt = errors.some(({ path }) => path === pointer || path.startsWith(`${pointer}/`));
  // A filter or cursor that is well formed may mean nothing.
  return { status: response.status, isAboutIt: isAboutIt && code === 'VALIDATION_FAILED' };
}

/** The attempts whose answer is not what it must be. Those that no client could make are passed over. */
async function disagreementsOf(
  attempts: readonly Attempt[],
  isRight: (answer: { readonly status: number; readonly isAboutIt: boolean }) => boolean,
): Promise<string[]> {
  const atOnce = pLimit(AT_ONCE);
  const judged = attempts.map(attempt =>
    atOnce(async () => {
      const answer = await complaintAbout(attempt);
      return answer && !isRight(answer) ? [told(attempt, answer.status)] : [];
    }),
  );
  return (await Promise.all(judged)).flat();
}

const told = ({ operation, place, name, value }: Attempt, status: number) =>
  `${operation.operationId} ${place} ${name} = ${JSON.stringify(value).slice(0, 120)}: ${status}`;

it('takes what its document allows', async () => {
  const attempts = operations
    .flatMap(operation => attemptsOf(operation, allowedBy, ALLOWED))
    .filter(({ name }) => !(name in SAID_IN_WORDS));
  expect(attempts.length).toBeGreaterThan(400);
  expect(await disagreementsOf(attempts, ({ isAboutIt }) => !isAboutIt)).toEqual([]);
});

it('refuses what its document does not allow, and names it', async () => {
  const attempts = operations.flatMap(operation => attemptsOf(operation, refusedBy, REFUSED));
  expect(attempts.length).toBeGreaterThan(1_000);
  expect(await disagreementsOf(attempts, ({ status }) => status === 400)).toEqual([]);
});

it('agrees on every member of every kind of check', async () => {
  const operation = operations.find(({ operationId }) => operationId === 'registerInstance')!;
  const attemptsWith = (values: Values, numRuns: number): Attempt[] =>
    (document.components.schemas['CheckInput']?.oneOf ?? []).flatMap(member => {
      const { properties = {} } = resolved(document, member);
      const kind = properties['kind']?.enum?.[0];
      return Object.entries(properties).flatMap(([name, schema]) => {
        const arbitrary = values(document, schema, true);
        const made = arbitrary ? fc.sample(arbitrary, { numRuns, seed: SEED }) : [];
        return made.map(value => ({
          operation,
          place: 'body' as const,
          name: 'check',
          value: { kind, [name]: value },
        }));
      });
    });
  const refused = attemptsWith(refusedBy, REFUSED);
  expect(refused.length).toBeGreaterThan(100);
  expect(await disagreementsOf(refused, ({ status, isAboutIt }) => status === 400 && isAboutIt)).toEqual([]);
  // A time-out is no longer than its interval, and a range of statuses begins with the lesser.
  const allowed = attemptsWith(allowedBy, ALLOWED).filter(
    ({ value }) => !('timeoutSeconds' in (value as object)) && !('expectedStatuses' in (value as object)),
  );
  expect(await disagreementsOf(allowed, ({ isAboutIt }) => !isAboutIt)).toEqual([]);
});

it('refuses parameters and members that its document does not have', async () => {
  const attempts = operations.flatMap(operation => {
    const places: readonly Place['place'][] = bodyOf(operation).properties ? ['query', 'body'] : ['query'];
    return places.map((place): Attempt => ({ operation, place, name: 'wieght', value: 1 }));
  });
  expect(await disagreementsOf(attempts, ({ status }) => status === 400)).toEqual([]);
});
