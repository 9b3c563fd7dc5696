import { describe, expect, it } from 'vitest';
import { TestClock } from '../../../../test/support/nodes/background-tasks.js';
import { SharedIdLines } from './shared-id-lines.js';

describe('The log lines about a shared node ID', () => {
  it('are one when it begins, one a minute while it lasts, and one when it is over', () => {
    const clock = new TestClock();
    const said: string[] = [];
    const lines = new SharedIdLines({ warn: line => said.push(line), log: line => said.push(line) }, clock);
    lines.tell(undefined);
    expect(said).toEqual([]);
    for (let second = 0; second < 150; second++) {
      lines.tell('shared');
      clock.pass(1_000);
    }
    expect(said).toEqual(['shared', 'shared', 'shared']);
    lines.tell(undefined);
    lines.tell(undefined);
    expect(said.slice(3)).toEqual(['No other live node uses the ID of this node any more.']);
  });

  it('are no more when it comes and goes', () => {
    const clock = new TestClock();
    const said: string[] = [];
    const lines = new SharedIdLines({ warn: line => said.push(line), log: () => undefined }, clock);
    for (let second = 0; second < 60; second++) {
      lines.tell(second % 2 === 0 ? 'shared' : undefined);
      clock.pass(1_000);
    }
    expect(said).toEqual(['shared']);
  });
});
