import { systemClock } from '@coordination/kernel';
import { BackgroundTasks } from '@coordination/observability';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { TestClock } from '../../../test/support/nodes/background-tasks.js';
import { StallWatch } from './stall-watch.js';

let clock: TestClock;
let lines: { msg: string; stalledMs: number; stalls: number; longestMs: number }[];
let watch: StallWatch;
let tasks: BackgroundTasks;

beforeEach(() => {
  clock = new TestClock();
  lines = [];
  tasks = new BackgroundTasks(systemClock, { warn: () => undefined, log: () => undefined });
  watch = new StallWatch(new StalledAt(clock), clock, tasks, {
    warn: (line: object) => void lines.push(line as (typeof lines)[number]),
  });
});

/** Stalls that the test makes. */
let stalls: { readonly from: number; readonly to: number }[] = [];
class StalledAt {
  constructor(private readonly at: TestClock) {
    stalls = [];
  }
  stalledMsSince(sinceMs: number): number {
    const now = this.at.monotonicMs();
    return stalls.reduce((sum, { from, to }) => sum + Math.max(0, Math.min(to, now) - Math.max(from, sinceMs)), 0);
  }
}

/** Nothing runs for so long (ms); then the watch looks. */
function stall(ms: number): void {
  stalls.push({ from: clock.monotonicMs(), to: clock.monotonicMs() + ms });
  clock.pass(ms);
  watch.overview();
}

describe('Stalls of this process', () => {
  it('are counted, with their length and the end of the last one', () => {
    expect(watch.overview()).toEqual({ count: 0, seconds: 0, last: null });
    stall(150);
    clock.pass(5_000);
    expect(watch.overview()).toMatchObject({ count: 1, seconds: 0.15 });
    stall(20_000);
    expect(watch.overview()).toEqual({
      count: 2,
      seconds: 20.15,
      last: { seconds: 20, endedAt: clock.now().toISOString() },
    });
    expect(watch.overview().count, 'each once').toBe(2);
  });

  it('have a log line with their length at once, and further ones share a line after a while', () => {
    stall(20_000);
    expect(lines).toMatchObject([{ stalledMs: 20_000, stalls: 1, longestMs: 20_000 }]);
    expect(lines[0]!.msg).toContain('ran nothing for 20 s:');
    for (let n = 0; n < 9; n++) {
      stall(600);
      clock.pass(100);
    }
    expect(lines, 'the rate of lines is bounded').toHaveLength(1);
    clock.pass(10_000);
    watch.overview();
    expect(lines).toHaveLength(2);
    expect(lines[1]).toMatchObject({ stalledMs: 5_400, stalls: 9, longestMs: 600 });
  });

  it('have no line while they are short and rare', () => {
    for (let n = 0; n < 5; n++) {
      stall(150);
      clock.pass(60_000);
    }
    watch.overview();
    expect(lines).toEqual([]);
  });
});

describe('A task whose turn is under way', () => {
  const HANGS_MS = 60_000;

  it('does not hang because this process was stalled, and hangs once it has run for as long', () => {
    vi.useFakeTimers();
    try {
      const begun = performance.now();
      const stalledMs = 2 * HANGS_MS;
      tasks = new BackgroundTasks(systemClock, { warn: () => undefined, log: () => undefined });
      const delay = { stalledMsSince: (since: number) => Math.max(0, begun + stalledMs - Math.max(begun, since)) };
      const watching = new StallWatch(delay, systemClock, tasks, { warn: () => undefined });
      watching.onModuleInit();
      tasks.task('lease-sweep').begin();
      vi.advanceTimersByTime(stalledMs + HANGS_MS - 1);
      expect(tasks.troubles()).toEqual([]);
      vi.advanceTimersByTime(1);
      expect(tasks.troubles()).toMatchObject([{ task: 'lease-sweep' }]);
      watching.onApplicationShutdown();
    } finally {
      vi.useRealTimers();
    }
  });
});
