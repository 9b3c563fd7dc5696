import { beforeEach, describe, expect, it } from 'vitest';
import { Metrics } from './metrics.js';

describe('observed metrics', () => {
  let metrics: Metrics;
  beforeEach(() => {
    metrics = new Metrics();
  });

  it('are read at each collection', async () => {
    let total = 3;
    metrics.observedGauge('size', 'Size.', () => total);
    metrics.observedGauge('age', 'Age.', () => Promise.resolve(Number.NaN));
    metrics.observedCounter('turns_total', 'Turns.', () => total);
    await metrics.text();
    total = 5;
    const text = await metrics.text();
    expect(text).toContain('pcs_size 5\n');
    expect(text).toContain('pcs_age Nan\n');
    expect(text).toContain('pcs_turns_total 5\n');
  });

  it('with labels have the labels of the last reading, and add up equal ones', async () => {
    let labels = ['a', 'b', 'a'];
    const options = { help: 'Some.', labelNames: ['kind'] } as const;
    const read = () => labels.map(kind => ({ labels: { kind }, value: 2 }));
    metrics.observedGauges({ name: 'some', ...options }, read);
    metrics.observedCounters({ name: 'some_total', ...options }, read);
    await expect(metrics.text()).resolves.toContain('pcs_some_total{kind="a"} 4\npcs_some_total{kind="b"} 2');
    labels = ['b'];
    const text = await metrics.text();
    expect(text).toContain('pcs_some{kind="b"} 2');
    expect(text).not.toContain('kind="a"');
  });
});
