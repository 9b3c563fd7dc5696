import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { WatchBacklogs } from './watch-backlogs.js';
import { WatchStream } from './watch-stream.js';

const LIMITS = { watches: 9, catchUps: 1, backlogBytes: 100, stallMs: 1_000, bookmarkMs: 1_000 };

/** The bytes that all responses of the node have under way, a clock, and how long the node was stalled. */
class World {
  underWay = 0;
  now = 5_000;
  stalledMs = 0;
  readonly maxBytes = 400;
  readonly backlogs = new WatchBacklogs(
    LIMITS,
    { count: bytes => (this.underWay += bytes), maxBytes: this.maxBytes },
    { stalledMsSince: () => this.stalledMs },
    { now: () => new Date(), monotonicMs: () => this.now },
  );

  stream() {
    const told = { wanted: 0, closed: 0 };
    const owner = { onWanted: () => void (told.wanted += 1), onClosed: () => void (told.closed += 1) };
    return { stream: new WatchStream(this.backlogs, owner), told };
  }
}

/** A response whose socket takes so many bytes until the client reads. */
class Response extends EventEmitter {
  readonly texts: string[] = [];
  destroyed = false;
  isEnded = false;
  writableLength = 0;

  constructor(private readonly room = 10) {
    super();
  }

  write(bytes: Buffer): boolean {
    this.texts.push(bytes.toString());
    this.writableLength += bytes.length;
    return this.writableLength < this.room;
  }

  end(): void {
    this.isEnded = true;
    this.emit('close');
  }

  destroy(): void {
    this.destroyed = true;
    this.emit('close');
  }

  /** The client reads everything that the socket has. */
  read(): void {
    this.writableLength = 0;
    this.emit('drain');
  }
}

const bytes = (text: string, length = text.length) => Buffer.from(text.padEnd(length, '.'));

describe('the stream of a watch', () => {
  it('keeps the order of its bytes, whether they wait for the response, for the client, or not at all', () => {
    const { stream } = new World().stream();
    const response = new Response(3);
    for (const text of ['a', 'b']) stream.write(bytes(text));
    stream.sendTo(response);
    for (const text of ['c', 'd', 'e', 'f', 'g', 'h']) stream.write(bytes(text));
    expect(response.texts.join('')).toBe('abc');
    response.read();
    expect(response.texts.join('')).toBe('abcdef');
    stream.end();
    stream.write(bytes('never'));
    expect(response.isEnded).toBe(false);
    response.read();
    expect(response.texts.join('')).toBe('abcdefgh');
    expect(response.isEnded).toBe(true);
  });

  it('wants nothing more at its bound, until the client has read so much that there is room', () => {
    const { stream, told } = new World().stream();
    const response = new Response(60);
    stream.sendTo(response);
    for (let n = 0; n < 3; n++) stream.write(bytes('', 60));
    expect(stream.wantsMore).toBe(false);
    expect(told.wanted).toBe(0);
    response.read();
    expect(told.wanted).toBe(1);
    expect(stream.wantsMore).toBe(true);
    response.read();
    expect(told.wanted).toBe(1);
  });

  it('counts what waits as bytes under way, and nothing of it any more when it is closed', () => {
    const world = new World();
    const streams = Array.from({ length: 3 }, () => world.stream());
    const responses = streams.map(({ stream }) => {
      const response = new Response(20);
      stream.sendTo(response);
      for (let n = 0; n < 3; n++) stream.write(bytes('', 25));
      return response;
    });
    expect({ ofWatches: world.backlogs.byteLength, all: world.underWay }).toEqual({ ofWatches: 225, all: 225 });
    responses[0]!.read();
    expect(world.underWay).toBe(200);
    streams[1]!.stream.destroy();
    expect(world.underWay).toBe(125);
    responses[2]!.emit('close');
    for (let n = 0; n < 3; n++) responses[0]!.read();
    expect({ ofWatches: world.backlogs.byteLength, all: world.underWay }).toEqual({ ofWatches: 0, all: 0 });
    expect(streams.map(({ told }) => told.closed)).toEqual([0, 1, 1]);
  });

  it('wants nothing more while too much waits for all watches together, unless nothing waits for its own client', () => {
    const world = new World();
    const [slow, other, idle] = [world.stream(), world.stream(), world.stream()];
    const read = new Response();
    other.stream.sendTo(read);
    for (const { stream } of [slow, other]) for (let n = 0; n < 2; n++) stream.write(bytes('', 30));
    expect([slow, other, idle].map(({ stream }) => stream.wantsMore)).toEqual([true, true, true]);
    const further = world.stream();
    further.stream.write(bytes('', 99));
    // 219 of 200 bytes, although none of them has its own 100.
    expect([slow, other, idle].map(({ stream }) => stream.wantsMore)).toEqual([false, false, true]);
    read.read();
    expect(other.told.wanted).toBe(1);
    expect(other.stream.wantsMore).toBe(true);
  });

  it('is full only for as long as this process could see what the client reads', () => {
    const world = new World();
    const { stream } = world.stream();
    stream.write(bytes('', 100));
    expect(stream.wantsMore).toBe(false);
    world.now += 20_000;
    world.stalledMs = 19_900;
    expect(stream.fullForMs).toBe(100);
    world.now += 900;
    expect(stream.fullForMs).toBe(1_000);
  });

  it('closes a response that it gets too late, and never one that is complete, whose connection serves another', () => {
    const { stream, told } = new World().stream();
    stream.destroy();
    const late = new Response();
    stream.sendTo(late);
    expect({ destroyed: late.destroyed, closed: told.closed }).toEqual({ destroyed: true, closed: 1 });
    const next = new World().stream();
    const response = new Response();
    next.stream.sendTo(response);
    next.stream.end();
    next.stream.destroy();
    expect({ ...next.told, destroyed: response.destroyed }).toEqual({ wanted: 0, closed: 1, destroyed: false });
    const gone = new World().stream();
    const destroyed = Object.assign(new Response(), { destroyed: true });
    gone.stream.write(bytes('waits'));
    gone.stream.sendTo(destroyed);
    expect(gone.told.closed).toBe(1);
    expect(destroyed.texts).toEqual([]);
  });
});
