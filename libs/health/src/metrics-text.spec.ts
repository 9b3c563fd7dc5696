import { Metrics } from '@coordination/observability';
import { Scheduler } from '@coordination/scheduling';
import { describe, expect, it } from 'vitest';
import { MetricsText } from './metrics-text.js';

/** Metrics of which one tells how often it was collected, and waits for a gate if there is one. */
function counted() {
  const metrics = new Metrics();
  const seen = { collections: 0, atOnce: 0, most: 0, gate: undefined as Promise<void> | undefined, fails: false };
  metrics.observedGauge('collections', 'How often it was collected.', async () => {
    seen.atOnce += 1;
    seen.most = Math.max(seen.most, seen.atOnce);
    await seen.gate;
    seen.atOnce -= 1;
    seen.collections += 1;
    if (seen.fails) throw new Error('not to be read');
    return seen.collections;
  });
  return { metrics, seen, text: new MetricsText(metrics, new Scheduler()) };
}

const valueIn = (text: string): number => Number(/^pcs_collections (\d+)$/m.exec(text)?.[1]);

describe('the text of all metrics', () => {
  it('is that of the registry', async () => {
    const { metrics, text } = counted();
    metrics.counter({ name: 'things_total', help: 'Things.', labelNames: ['kind'] }).inc({ kind: 'a "b"\n' }, 3);
    metrics.histogram({ name: 'times_seconds', help: 'Times.' }).observe(0.2);
    const own = await text.read();
    expect(own).toBe((await metrics.text()).replace('pcs_collections 2', 'pcs_collections 1'));
  });

  it('is collected once for all who ask during a collection, after their requests', async () => {
    const { seen, text } = counted();
    const gate = Promise.withResolvers<void>();
    seen.gate = gate.promise;
    const first = text.read();
    const others = Array.from({ length: 200 }, () => text.read());
    gate.resolve();
    expect(valueIn(await first)).toBe(1);
    expect((await Promise.all(others)).map(valueIn), 'the values after their requests, read once').toEqual(
      others.map(() => 2),
    );
    expect(seen.most, 'collections at once').toBe(1);
    expect(valueIn(await text.read()), 'a new collection when none runs').toBe(3);
  });

  it('can be read again after a collection that failed, and fails for nobody who asked later', async () => {
    const { seen, text } = counted();
    const gate = Promise.withResolvers<void>();
    seen.gate = gate.promise;
    seen.fails = true;
    const failing = text.read();
    const next = text.read();
    gate.resolve();
    await expect(failing).rejects.toThrow('not to be read');
    seen.fails = false;
    expect(valueIn(await next)).toBe(2);
    expect(valueIn(await text.read())).toBe(3);
  });
});
