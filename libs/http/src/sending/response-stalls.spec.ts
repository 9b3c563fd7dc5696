import { type Socket } from 'node:net';
import { Metrics } from '@coordination/observability';
import { describe, expect, it } from 'vitest';
import { ResponseStalls } from './response-stalls.js';

const LIMIT_MS = 30_000;
const KEEP_ALIVE_MS = 75_000;

/** A connection whose timer has fired. */
class TimedOutSocket {
  isClosed = false;
  rearmedMs: number | undefined;

  constructor(
    readonly timeout: number,
    readonly writableLength: number,
  ) {}

  destroy(): void {
    this.isClosed = true;
  }

  setTimeout(ms: number): void {
    this.rearmedMs = ms;
  }
}

/** @param stalledMs for how long the event loop was stalled since a time */
function setUp(stalledMs: (sinceMs: number) => number) {
  const armed: { ms: number; listener: (socket: Socket) => void }[] = [];
  const server = {
    setTimeout: (ms: number, listener: (socket: Socket) => void) => void armed.push({ ms, listener }),
  };
  const host = { httpAdapter: { getHttpServer: () => server } };
  const clock = { now: () => new Date(0), monotonicMs: () => 1_000_000 };
  const loopDelay = { stalledMsSince: stalledMs };
  const stalls = new ResponseStalls(host as never, { limitMs: LIMIT_MS }, loopDelay as never, new Metrics(), clock);
  expect(stalls).toBeInstanceOf(ResponseStalls);
  const { ms: timeoutMs, listener: timedOut } = armed[0]!;
  const fire = (timeout: number, writableLength = 0) => {
    const socket = new TimedOutSocket(timeout, writableLength);
    timedOut(socket as unknown as Socket);
    return socket;
  };
  return { idle: () => fire(KEEP_ALIVE_MS), sending: (bytes: number) => fire(timeoutMs, bytes) };
}

describe('A timer of a connection that fires', () => {
  it('closes an idle connection, and one whose client takes nothing', () => {
    const { idle, sending } = setUp(() => 0);
    expect([idle().isClosed, sending(1).isClosed]).toEqual([true, true]);
  });

  it('leaves a connection with nothing to send, such as a waiting read', () => {
    const { isClosed, rearmedMs } = setUp(() => 0).sending(0);
    expect([isClosed, rearmedMs]).toEqual([false, undefined]);
  });

  it('just after a stall of this process gives an idle connection its time again: its request may not have been read yet', () => {
    const { isClosed, rearmedMs } = setUp(() => 20_000).idle();
    expect([isClosed, rearmedMs]).toEqual([false, KEEP_ALIVE_MS]);
  });

  it('closes an idle connection some time after a stall', () => {
    const { idle } = setUp(sinceMs => (sinceMs < 990_000 ? 20_000 : 0));
    expect(idle().isClosed).toBe(true);
  });

  it('gives a client the limit again if this process was stalled for most of it, and not after a short stall', () => {
    expect(setUp(() => 20_000).sending(1)).toMatchObject({ isClosed: false, rearmedMs: LIMIT_MS + 1 });
    expect(setUp(() => 10_000).sending(1).isClosed).toBe(true);
  });
});
