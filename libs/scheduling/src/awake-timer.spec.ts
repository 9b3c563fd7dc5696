import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AwakeTimer, awakeMsSince, type StallRecord } from './awake-timer.js';
import { LoopDelay } from './loop-delay.js';

const LIMIT_MS = 1_000;

/** Stalls that the test names, by the monotonic clock. */
class NamedStalls implements StallRecord {
  private readonly stalls: { fromMs: number; toMs: number }[] = [];

  /** The loop runs nothing for so long (ms); timers that are due then run at its end. */
  pass(ms: number): void {
    const fromMs = performance.now();
    this.stalls.push({ fromMs, toMs: fromMs + ms });
    vi.advanceTimersByTime(ms);
  }

  stalledMsSince(sinceMs: number): number {
    const now = performance.now();
    return this.stalls.reduce(
      (sum, { fromMs, toMs }) => sum + Math.max(0, Math.min(toMs, now) - Math.max(fromMs, sinceMs)),
      0,
    );
  }
}

describe('A timer that counts the time awake', () => {
  let stalls: NamedStalls;
  let fired: number;
  let timer: AwakeTimer;

  beforeEach(() => {
    vi.useFakeTimers();
    stalls = new NamedStalls();
    fired = 0;
    timer = new AwakeTimer(stalls, LIMIT_MS, () => (fired += 1));
  });
  afterEach(() => {
    timer.cancel();
    vi.useRealTimers();
  });

  it('fires when its time is over, where nothing stalls', () => {
    vi.advanceTimersByTime(LIMIT_MS - 1);
    expect(fired).toBe(0);
    vi.advanceTimersByTime(2);
    expect(fired).toBe(1);
    vi.advanceTimersByTime(10 * LIMIT_MS);
    expect(fired, 'once').toBe(1);
  });

  it('does not fire at the end of a stall that is longer than its time, but when the rest of its time is over', () => {
    vi.advanceTimersByTime(300);
    stalls.pass(20 * LIMIT_MS);
    expect(fired).toBe(0);
    vi.advanceTimersByTime(LIMIT_MS - 300 - 2);
    expect(fired).toBe(0);
    vi.advanceTimersByTime(10);
    expect(fired).toBe(1);
  });

  it('fires although the process stalls again and again: an outage is noticed after its time awake', () => {
    for (let n = 0; n < 5; n++) {
      expect(fired, `${n * 200} ms awake`).toBe(0);
      stalls.pass(700);
      vi.advanceTimersByTime(201);
    }
    vi.advanceTimersByTime(10);
    expect(fired).toBe(1);
  });

  it('begins anew when it is started again, and never fires once it was cancelled', () => {
    vi.advanceTimersByTime(LIMIT_MS - 10);
    timer.restart();
    vi.advanceTimersByTime(LIMIT_MS - 10);
    expect(fired).toBe(0);
    vi.advanceTimersByTime(20);
    expect(fired).toBe(1);
    timer.restart();
    timer.cancel();
    vi.advanceTimersByTime(10 * LIMIT_MS);
    expect(fired).toBe(1);
  });
});

/** Blocks the event loop, so that this process stalls. */
function block(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

describe('In a process whose event loop is blocked for longer than the time', () => {
  it('an answer that has arrived meanwhile is read before the timer fires', async () => {
    const delay = new LoopDelay();
    delay.onModuleInit();
    const server = createServer(socket => socket.on('data', () => socket.write('answer')));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
    try {
      await once(client, 'connect');
      const heard: string[] = [];
      const over = Promise.withResolvers<void>();
      const timer = new AwakeTimer(delay, 900, () => {
        heard.push('late');
        over.resolve();
      });
      client.once('data', () => {
        heard.push('answer');
        timer.cancel();
        over.resolve();
      });
      client.write('question');
      const before = performance.now();
      block(1_000);
      await over.promise;
      expect(heard).toEqual(['answer']);
      expect(awakeMsSince(delay, before), 'the stall is not time awake').toBeLessThan(performance.now() - before);
    } finally {
      client.destroy();
      server.close();
      delay.onApplicationShutdown();
    }
  });
});
