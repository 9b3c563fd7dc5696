import { describe, expect, it } from 'vitest';
import { type LogHead } from '@coordination/log';
import {
  newId,
  RevisionUnknownError,
  StartingError,
  StoreUnavailableError,
  systemClock,
  ViewBehindError,
} from '@coordination/kernel';
import { Metrics } from '@coordination/observability';
import { anInstance, NOW } from '../../../../test/support/catalog/factories.js';
import { LogInMemory } from '../../../../test/support/log/log-in-memory.js';
import { CatalogState } from './catalog-state.js';
import { CatalogView } from './catalog-view.js';
import { ReadBarrier } from './read-barrier.js';

const LONG_MS = 60_000;
const SOON_MS = 10;

/** A view at revision 1 of a log, and a gate before it that asks the primary what the test says. */
function gated(withinMs: number, readHead: (log: LogInMemory) => LogHead | Promise<LogHead>) {
  const log = new LogInMemory();
  const clock = { ms: 1_000_000, now: () => new Date(), monotonicMs: () => clock.ms };
  const view = new CatalogView(clock, { stalenessLimitSeconds: 600 });
  const load = (of: LogInMemory) => view.replace({ head: of.head, state: new CatalogState(), sentAtMs: clock.ms });
  load(log);
  view.apply([log.put(anInstance())]);
  let asked = 0;
  const readIndex = {
    queries: 0,
    current: async () => {
      asked += 1;
      return await readHead(log);
    },
  };
  const metrics = new Metrics();
  const gate = new ReadBarrier(view, readIndex, clock, metrics, withinMs);
  gate.onModuleInit();
  const strongReads = async () =>
    (await metrics.registry.getSingleMetric('pcs_strong_reads_total')?.get())?.values[0]?.value;
  return { log, view, gate, load, clock, strongReads, asked: () => asked };
}

const headOf = (log: LogInMemory): LogHead => ({ ...log.head, at: NOW });
const nobody = () => Promise.reject(new StoreUnavailableError());

describe('reaching a revision', () => {
  it('does not query the primary for what the view has, or reaches in time', async () => {
    const { log, view, gate, asked } = gated(LONG_MS, nobody);
    await gate.reach(1);
    const reached = gate.reach(2);
    view.apply([log.put(anInstance())]);
    await reached;
    expect(asked()).toBe(0);
  });

  it('refuses a revision that the log has not got to, for good', async () => {
    const { gate } = gated(SOON_MS, headOf);
    await expect(gate.reach(2)).rejects.toThrow(new RevisionUnknownError(2, 'above-head'));
  });

  it('does not call a revision unknown that this node alone has not got to', async () => {
    const { gate } = gated(SOON_MS, log => ({ ...headOf(log), revision: 2 }));
    await expect(gate.reach(2)).rejects.toThrow(new ViewBehindError(1, 2));
  });

  it('does not call a revision unknown when the primary cannot be queried', async () => {
    const { gate } = gated(SOON_MS, nobody);
    await expect(gate.reach(2)).rejects.toThrow(ViewBehindError);
  });

  it('passes when the revision arrives during the query of the primary', async () => {
    const { view, gate } = gated(SOON_MS, log => {
      view.apply([log.put(anInstance())]);
      return headOf(log);
    });
    await expect(gate.reach(2)).resolves.toBeUndefined();
  });

  it('knows nothing before the first load, and waits for nothing then', async () => {
    const view = new CatalogView(systemClock, { stalenessLimitSeconds: 600 });
    const readIndex = { current: nobody, queries: 0 };
    const gate = new ReadBarrier(view, readIndex, systemClock, new Metrics(), LONG_MS);
    await expect(gate.reach(0)).rejects.toThrow(StartingError);
    await expect(gate.strong()).rejects.toThrow(StartingError);
  });

  it('ends with the reason of an abort, and leaves no waiter', async () => {
    const { view, gate, asked } = gated(LONG_MS, headOf);
    const controller = new AbortController();
    const reached = gate.reach(2, controller.signal);
    expect(view.waiting).toBe(1);
    controller.abort(new Error('the client is gone'));
    await expect(reached).rejects.toThrow('the client is gone');
    expect({ waiting: view.waiting, asked: asked() }).toEqual({ waiting: 0, asked: 0 });
  });
});

describe('a strong read', () => {
  it('passes only when the view has what the primary has, and then knows it to be current', async () => {
    const { log, view, gate, clock, strongReads } = gated(LONG_MS, headOf);
    const next = log.put(anInstance());
    clock.ms += 5_000;
    let passed = false;
    const strong = gate.strong().then(() => (passed = true));
    await new Promise(resolve => view.onPollRequested(() => resolve(undefined)));
    expect(passed).toBe(false);
    clock.ms += 1_000;
    view.apply([next]);
    await strong;
    expect(await strongReads()).toBe(1);
    expect(view.freshness().stalenessSeconds, 'since the question, not since the answer').toBe(1);
  });

  it('does not believe a view that holds more than the primary has, or something else at the same number', async () => {
    const shorter = gated(SOON_MS, log => ({ ...headOf(log), revision: 0, hash: '0'.repeat(64) }));
    await expect(shorter.gate.strong()).rejects.toThrow(ViewBehindError);
    const other = gated(SOON_MS, log => ({ ...headOf(log), hash: 'f'.repeat(64) }));
    await expect(other.gate.strong()).rejects.toThrow(ViewBehindError);
    const otherNext = gated(LONG_MS, log => ({ ...headOf(log), revision: 2, hash: 'f'.repeat(64) }));
    const strong = otherNext.gate.strong();
    await new Promise(resolve => otherNext.view.onPollRequested(() => resolve(undefined)));
    otherNext.view.apply([otherNext.log.put(anInstance())]);
    await new Promise(resolve => otherNext.view.onPollRequested(() => resolve(undefined)));
    otherNext.clock.ms += 2 * LONG_MS;
    otherNext.load(otherNext.log);
    await expect(strong).rejects.toThrow(ViewBehindError);
  });

  it('is refused when the primary cannot be queried, however fresh the view is', async () => {
    await expect(gated(LONG_MS, nobody).gate.strong()).rejects.toThrow(StoreUnavailableError);
  });

  it('is refused when the view does not come that far in time', async () => {
    const { gate } = gated(SOON_MS, log => ({ ...headOf(log), revision: 2 }));
    await expect(gate.strong()).rejects.toThrow(new ViewBehindError(1, 2));
  });

  it('does not take the same number in another epoch for the same catalog', async () => {
    const { gate } = gated(SOON_MS, log => ({ ...headOf(log), epoch: newId() }));
    await expect(gate.strong()).rejects.toThrow(ViewBehindError);
  });

  it('waits for the view to be loaded again when an epoch has begun', async () => {
    const renewed = new LogInMemory();
    renewed.put(anInstance());
    const { view, gate, load } = gated(LONG_MS, () => headOf(renewed));
    const strong = gate.strong();
    await new Promise(resolve => view.onPollRequested(() => resolve(undefined)));
    load(renewed);
    await expect(strong).resolves.toBeUndefined();
    expect(view.waiting).toBe(0);
  });

  it('queries again when the view was loaded during the query of the primary', async () => {
    const renewed = new LogInMemory();
    const { gate, load, asked } = gated(LONG_MS, log => {
      if (asked() > 1) return headOf(renewed);
      load(renewed);
      return headOf(log);
    });
    await gate.strong();
    expect(asked()).toBe(2);
  });

  it('ends with its reason when it is aborted', async () => {
    const { view, gate } = gated(LONG_MS, log => ({ ...headOf(log), revision: 2 }));
    const controller = new AbortController();
    const strong = gate.strong(controller.signal);
    await new Promise(resolve => view.onPollRequested(() => resolve(undefined)));
    controller.abort(new Error('the client is gone'));
    await expect(strong).rejects.toThrow('the client is gone');
    expect(view.waiting).toBe(0);
  });
});
