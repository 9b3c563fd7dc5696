import { once } from 'node:events';
import { type PassThrough, type Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newId } from '@coordination/kernel';
import { anInstance } from '../../../../test/support/catalog/factories.js';
import { waitFor } from '../../../../test/support/time/wait-for.js';
import { watchProblems } from '../../../../test/support/watch/watch-guarantees.js';
import { type WatchFrame } from '../../../../test/support/watch/watch-record.js';
import {
  framesOf,
  readerOf,
  watchedView,
  type WatchedViewOptions,
} from '../../../../test/support/watch/watched-view.js';
import { EVERYTHING } from '../selection/selection.js';
import { Watch, type WatchStart } from './watch.js';

const HEAVY = 5;
const SELECTION = { statuses: 'any', where: { kind: 'ordered', of: ['weight'], by: '>=', than: HEAVY } } as const;

const isHeavy = ({ weight }: { readonly weight: number }) => weight >= HEAVY;

type World = ReturnType<typeof watchedView>;

function watch({ context, view }: World, start: Partial<WatchStart> = {}) {
  const watched = new Watch(context, {
    scope: { namespace: 'default', service: null },
    selection: EVERYTHING,
    epoch: view.position!.epoch,
    position: view.revision,
    snapshot: undefined,
    client: null,
    ...start,
  });
  watched.begin(Buffer.from(': hello\n\n'));
  return watched;
}

/** Reads all that comes, until the watch ends. */
function record(stream: Readable) {
  const frames: WatchFrame[] = [];
  const reading = (async () => {
    for await (const frame of framesOf(stream)) frames.push(frame);
  })();
  return { frames, reading, position: () => Number(frames.at(-1)?.id) };
}

type Step =
  | { readonly do: 'change'; readonly instance: number; readonly weight: number }
  | { readonly do: 'apply' | 'rest' }
  | { readonly do: 'load' }
  | { readonly do: 'read'; readonly bytes: number };

const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant('change' as const), instance: fc.nat(3), weight: fc.nat(9) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('apply' as const, 'rest' as const) }) },
    { weight: 1, arbitrary: fc.constant({ do: 'load' as const }) },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constant('read' as const), bytes: fc.integer({ min: 1, max: 3_000 }) }),
    },
  ),
  { maxLength: 80 },
);

/** A watch over what the steps do, of which a reader takes now and then some bytes. */
async function run(options: WatchedViewOptions, begin: number, all: readonly Step[]) {
  const world = watchedView(options);
  const { log, view, load } = world;
  const ids = Array.from({ length: 4 }, () => newId());
  let watched: Watch | undefined;
  let reader: PassThrough | undefined;
  const bytes: Buffer[] = [];
  let after = 0;
  const apply = () => view.apply(log.events.filter(({ revision }) => revision > view.revision));
  for (const [n, step] of all.entries()) {
    if (n === begin) {
      watched = watch(world, { selection: SELECTION, position: (after = view.revision) });
      reader = readerOf(watched);
    }
    if (step.do === 'change') change(world, ids[step.instance]!, step.weight);
    else if (step.do === 'apply') apply();
    else if (step.do === 'load') load();
    else if (step.do === 'rest') await nextTurn();
    else if (step.do === 'read') bytes.push(...asList(reader?.read(step.bytes)));
  }
  apply();
  watched ??= watch(world, { selection: SELECTION, position: (after = view.revision) });
  reader ??= readerOf(watched);
  if (bytes.length > 0) reader.unshift(Buffer.concat(bytes));
  return { world, watched, reader, after };
}

const asList = (chunk: unknown): Buffer[] => (Buffer.isBuffer(chunk) ? [chunk] : []);

function change({ log }: World, id: string, weight: number): void {
  if (weight > 0) log.put(anInstance({ id, instanceId: id, weight }));
  else if (log.instances.has(id)) log.remove(id);
  else log.appendOther();
}

describe('a watch', () => {
  it('sends each selected change once and in order, whatever its reader, the memory and the view do', async () => {
    const options = fc.record({
      maxChanges: fc.integer({ min: 1, max: 20 }),
      pageSize: fc.integer({ min: 1, max: 7 }),
      limits: fc.record({ backlogBytes: fc.integer({ min: 100, max: 5_000 }) }),
    });
    await fc.assert(
      fc.asyncProperty(options, fc.nat(40), steps, async (options, begin, all) => {
        const { world, watched, reader, after } = await run(options, begin, all);
        const { log, failures } = world;
        const { frames, reading } = record(reader);
        // The last one is always selected, so that the end is known.
        log.put(anInstance({ weight: 9 }));
        world.view.apply(log.events.filter(({ revision }) => revision > world.view.revision));
        const end = log.head.revision;
        await waitFor('the end is told', () => frames.at(-1)?.data.revision === end);
        watched.end();
        await reading;
        expect(watchProblems([{ resumedAfter: after, frames }], log.events, isHeavy, end)).toEqual([]);
        expect(failures).toEqual([]);
        expect(world.feed.size).toBe(0);
      }),
    );
  });
});

/** A watch that has told what there was, so that it is live. */
async function liveWatch(options: WatchedViewOptions = {}) {
  const world = watchedView(options);
  const recorded = record(readerOf(watch(world)));
  const append = (count = 1) => {
    for (let n = 0; n < count; n++)
      world.view.apply([world.log.put(anInstance({ instanceId: `i-${world.log.head.revision}` }))]);
    return world.log.head.revision;
  };
  const told = (revision: number) =>
    waitFor(`${revision} is told`, () => recorded.frames.at(-1)?.data.revision === revision);
  await told(append());
  return { ...world, ...recorded, append, told };
}

describe('a watch whose view is loaded again', () => {
  it('continues without a gap from the log when the history is the same, however much it missed', async () => {
    const { log, load, append, told, frames, reads } = await liveWatch();
    for (let n = 0; n < 23; n++) log.put(anInstance({ instanceId: `missed-${n}` }));
    load();
    await told(append());
    expect(frames.map(({ data }) => data.revision)).toEqual(Array.from({ length: 25 }, (_, n) => n + 1));
    expect(reads()).toBeGreaterThan(0);
  });

  it('needs no database when it had received everything', async () => {
    const { load, append, told, reads } = await liveWatch();
    load();
    await told(append());
    expect(reads()).toBe(0);
  });

  it('is reset when the history is another one, and ends', async () => {
    const { load, frames, reading, feed, view } = await liveWatch();
    load(newId());
    await reading;
    expect(frames.at(-1)).toEqual({ id: '', event: 'reset', data: { revision: view.revision, reason: 'new_epoch' } });
    expect(feed.size).toBe(0);
  });
});

describe('bookmarks', () => {
  it('have the revision of the head, which no other event has, and never one that is not sent yet', async () => {
    const { view, log, told } = await liveWatch({ limits: { bookmarkMs: 5 } });
    view.apply([log.appendOther()]);
    await told(log.head.revision);
    view.apply([log.put(anInstance({ namespace: 'elsewhere' }))]);
    await told(log.head.revision);
  });

  it('are not sent while the view is too old to be believed', async () => {
    const world = watchedView({ stalenessLimitSeconds: -1, limits: { bookmarkMs: 2 } });
    const watched = watch(world);
    let text = '';
    readerOf(watched).on('data', chunk => (text += String(chunk)));
    await waitFor('two comments', () => (text.match(/^: this node/gm)?.length ?? 0) > 1);
    expect(text).not.toContain('bookmark');
    watched.end();
  });
});

describe('a watch in the middle of its snapshot', () => {
  it('is followed by no other event, and is cut when its reader stalls: half an event must not end', async () => {
    const world = watchedView({ limits: { bookmarkMs: 2, stallMs: 10 } });
    const snapshot = Array.from({ length: 1_000 }, (_, n) => anInstance({ instanceId: `i-${n}` }));
    const watched = watch(world, { snapshot });
    const reader = readerOf(watched);
    const closed = once(reader, 'close');
    const first = await waitForBytes(reader);
    await closed;
    const text = first + String(reader.read() ?? '');
    const [, begun, ...more] = text.split('\n\n');
    expect(begun?.startsWith('id: 0\nevent: snapshot\ndata: {')).toBe(true);
    expect(more, 'something ended the event that is not whole').toEqual([]);
    expect(world.feed.size).toBe(0);
  });
});

async function waitForBytes(stream: Readable): Promise<string> {
  await once(stream, 'readable');
  return String(stream.read(1_000) ?? '');
}
