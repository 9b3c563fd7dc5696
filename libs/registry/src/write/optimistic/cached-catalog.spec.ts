import { describe, expect, it } from 'vitest';
import {
  anIdentity,
  anOrigin,
  aRepeatableCall,
  anInstance,
  registerCommand,
} from '../../../../../test/support/catalog/factories.js';
import { type Command } from '../../domain/commands.js';
import { PredictedHead } from './predicted-head.js';
import { CachedCatalog } from './cached-catalog.js';
import { requestKeyOf } from '../../requests/request-key.js';
import { type QueuedRequest } from '../../requests/write-request.js';

type CatalogHints = ConstructorParameters<typeof CachedCatalog>[0];

const PLACE = { revision: 7, hash: 'a'.repeat(64), epoch: 'e' };
const PRESENT = anInstance();

const catalogAt = (position: typeof PLACE | undefined): CatalogHints => ({
  peek: ({ instanceId }) => (instanceId === PRESENT.instanceId ? PRESENT : undefined),
  find: id => (id === PRESENT.id ? PRESENT : undefined),
  position: () => position,
});

interface Situation {
  readonly catalog: CatalogHints;
  readonly known?: typeof PLACE | undefined;
  readonly doubted?: boolean;
}

function catalogIn({ catalog, known = PLACE, doubted = false }: Situation): CachedCatalog {
  const forecast = new PredictedHead({ monotonicMs: () => 0 });
  forecast.learn({ fence: 1, now: '2026-01-01T00:00:00.000Z', clock: '2026-01-01T00:00:00.000Z' });
  return new CachedCatalog(catalog, { known, doubted }, forecast);
}

const requestOf = (...commands: readonly Command[]): QueuedRequest => ({ commands, origin: anOrigin() });

const isKnown = (request: QueuedRequest, situation: Situation = { catalog: catalogAt(PLACE) }): boolean =>
  catalogIn(situation).basisOf([request]) !== undefined;

const newcomer = registerCommand({ identity: anIdentity({ instanceId: 'new' }) });
const byId = { id: PRESENT.id };
const byName = { identity: anIdentity({ instanceId: PRESENT.instanceId }) };

describe('What a node knows is enough', () => {
  it('for what says itself what the lease is afterwards, and of that only', () => {
    expect(isKnown(requestOf(newcomer))).toBe(true);
    for (const target of [byId, byName, { id: newcomer.id }]) {
      expect(isKnown(requestOf({ kind: 'heartbeat', target }))).toBe(true);
      expect(isKnown(requestOf({ kind: 'report-health', target, report: { healthy: true, output: '' } }))).toBe(true);
      expect(isKnown(requestOf(newcomer, { kind: 'deregister', target }))).toBe(false);
    }
    expect(isKnown(requestOf(registerCommand(byName)))).toBe(false);
  });

  it('for no request that is about more than instances', () => {
    const request = requestOf(newcomer);
    const systemEvent = {
      action: 'liveness.guard_began',
      before: null,
      after: {},
      write: () => Promise.resolve(),
    } as const;
    expect(isKnown({ ...request, systemEvent })).toBe(false);
    expect(isKnown({ ...request, term: { role: 'sweeper', holder: 'x', term: 1 } })).toBe(false);
    const key = requestKeyOf(anOrigin({ repeatable: aRepeatableCall('k') }));
    expect(isKnown({ ...request, key })).toBe(false);
  });

  it('only where it has all that it knows of the log, and there is no doubt about that', () => {
    const request = requestOf(newcomer);
    expect(isKnown(request, { catalog: catalogAt(undefined) })).toBe(false);
    expect(
      isKnown(request, { catalog: catalogAt(PLACE), known: { ...PLACE, revision: 8, hash: 'b'.repeat(64) } }),
    ).toBe(false);
    expect(isKnown(request, { catalog: catalogAt(PLACE), doubted: true })).toBe(false);
  });

  it('and names each instance once', () => {
    const basis = catalogIn({ catalog: catalogAt(PLACE) }).basisOf([
      requestOf({ kind: 'heartbeat', target: byId }),
      requestOf({ kind: 'heartbeat', target: byName }),
    ]);
    expect(basis?.found.map(({ instance }) => instance)).toEqual([PRESENT]);
    expect(basis?.head).toMatchObject(PLACE);
  });
});
