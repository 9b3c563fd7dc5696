import { describe, expect, it } from 'vitest';
import { TestClock } from '../../../../test/support/nodes/background-tasks.js';
import { SharedIdLines } from './shared-id-lines.js';

describe('The log lines about a shared node ID', () => {
  it('are one when it begins, one a minute while it lasts, and one when it is over', () => {
    const clock = new TestClock();
    const logged: string[] = [];
    const lines = new SharedIdLines(clock, { warn: line => logged.push(line), log: line => logged.push(line) });
    lines.update(undefined);
    expect(logged).toEqual([]);
    for (let second = 0; second < 150; second++) {
      lines.update('shared');
      clock.pass(1_000);
    }
    expect(logged).toEqual(['shared', 'shared', 'shared']);
    lines.update(undefined);
    lines.update(undefined);
    expect(logged.slice(3)).toEqual(['No other live node uses the ID of this node any more.']);
  });

  it('are not more if it alternates', () => {
    const clock = new TestClock();
    const logged: string[] = [];
    const lines = new SharedIdLines(clock, { warn: line => logged.push(line), log: () => undefined });
    for (let second = 0; second < 60; second++) {
      lines.update(second % 2 === 0 ? 'shared' : undefined);
      clock.pass(1_000);
    }
    expect(logged).toEqual(['shared']);
  });
});
