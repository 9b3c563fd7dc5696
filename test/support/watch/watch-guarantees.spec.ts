import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LogEvent } from '@coordination/log';
import { anInstance } from '../catalog/factories.js';
import { LogInMemory } from '../log/log-in-memory.js';
import { expectedFrame, foldAt, type Selects, watchProblems } from './watch-guarantees.js';
import { type WatchConnection, type WatchFrame } from './watch-record.js';

const HEAVY = 5;
const isHeavy: Selects = ({ weight }) => weight >= HEAVY;

const bookmark = (revision: number): WatchFrame => ({ id: String(revision), event: 'bookmark', data: { revision } });
const reset = (revision: number): WatchFrame => ({ id: String(revision), event: 'reset', data: { revision } });

/** What a watch that keeps its word tells of the events after a revision. */
function told(log: readonly LogEvent[], after: number, until = Infinity): WatchFrame[] {
  return log
    .filter(({ revision }) => revision > after && revision <= until)
    .flatMap(event => {
      const expected = expectedFrame(event, isHeavy);
      if (!expected) return [];
      const { event: name, ...data } = expected;
      return [{ id: String(event.revision), event: name, data }];
    });
}

const snapshot = (log: readonly LogEvent[], revision: number): WatchFrame => ({
  id: String(revision),
  event: 'snapshot',
  data: { revision, instances: [...foldAt(log, revision).values()].filter(isHeavy) },
});

/** Weights that three instances get one after the other; 0: the instance goes. */
const someSteps = fc.array(fc.tuple(fc.nat(2), fc.constantFrom(0, 1, 5, 9)), { minLength: 1, maxLength: 60 });

function logOf(steps: readonly (readonly [number, number])[]): LogEvent[] {
  const log = new LogInMemory();
  const ids = ['a', 'b', 'c'].map(() => anInstance().id);
  for (const [n, weight] of steps) {
    const id = ids[n]!;
    if (weight > 0) log.put(anInstance({ id, instanceId: id, weight }));
    else if (log.instances.has(id)) log.remove(id);
    else log.appendOther();
  }
  return log.events;
}

const FULL: readonly (readonly [number, number])[] = [
  [0, 9],
  [1, 1],
  [1, 5],
  [0, 1],
  [2, 9],
  [0, 9],
  [2, 0],
  [1, 9],
  [1, 0],
  [1, 0],
];
const LOG = logOf(FULL);
const END = LOG.length;

const problems = (...connections: WatchConnection[]) => watchProblems(connections, LOG, isHeavy, END);
const whole = (): WatchFrame[] => [snapshot(LOG, 0), ...told(LOG, 0), bookmark(END)];
const anew = (frames: readonly WatchFrame[]): WatchConnection => ({ resumedAfter: undefined, frames });

describe('what is expected of a watch', () => {
  it('names what left the selection `removed`, and what is gone by what happened', () => {
    expect(told(LOG, 0).map(({ event, id }) => `${id} ${event}`)).toEqual([
      '1 instance.registered',
      '3 instance.updated',
      '4 removed',
      '5 instance.registered',
      '6 instance.updated',
      '7 instance.deregistered',
      '8 instance.updated',
      '9 instance.deregistered',
    ]);
  });
});

describe('a watch that keeps its word', () => {
  it('is found to, whenever it is cut and resumed, and wherever it begins', () => {
    fc.assert(
      fc.property(someSteps, fc.nat(), fc.array(fc.nat(), { maxLength: 5 }), (steps, begin, cuts) => {
        const log = logOf(steps);
        const start = begin % (log.length + 1);
        const ends = cuts.map(cut => start + (cut % (log.length - start + 1))).sort((a, b) => a - b);
        const connections = [...ends, log.length].map((end, n): WatchConnection => {
          const from = n === 0 ? start : ends[n - 1]!;
          const frames = [...told(log, from, end), bookmark(end)];
          return n === 0 ? anew([snapshot(log, start), ...frames]) : { resumedAfter: from, frames };
        });
        expect(watchProblems(connections, log, isHeavy, log.length)).toEqual([]);
      }),
    );
  });

  it('begins anew after a reset', () => {
    const frames = [snapshot(LOG, 8), ...told(LOG, 8)];
    expect(problems(anew([snapshot(LOG, 0), ...told(LOG, 0, 4), reset(4)]), anew(frames))).toEqual([]);
  });
});

describe('a watch that does not', () => {
  const frames = whole();
  const changes = frames.map((_, n) => n).filter(n => n > 0 && n < frames.length - 1);

  it.each(changes)('is found out when frame %i is missing', n => {
    expect(problems(anew(frames.toSpliced(n, 1)))[0]).toMatch(/gap/);
  });

  it.each(changes)('is found out when frame %i comes twice', n => {
    expect(problems(anew(frames.toSpliced(n, 0, frames[n]!)))[0]).toMatch(/not unique/);
  });

  it.each(changes.slice(1))('is found out when frame %i comes before the one before it', n => {
    const swapped = frames.with(n, frames[n - 1]!).with(n - 1, frames[n]!);
    expect(problems(anew(swapped))[0]).toMatch(/not ordered/);
  });

  it.each(changes)('is found out when frame %i shows another state of the instance', n => {
    const { data } = frames[n]!;
    const other = { ...data, instance: { ...data.instance!, weight: data.instance!.weight + 1 } };
    expect(problems(anew(frames.with(n, { ...frames[n]!, data: other })))[0]).toMatch(/the log has/);
  });

  it.each<[string, WatchFrame[], RegExp]>([
    ['a bookmark is ahead of what came', frames.toSpliced(2, 0, bookmark(3)), /gap: instance.updated 3/],
    ['a bookmark falls', frames.toSpliced(4, 0, bookmark(1)), /not ordered/],
    [
      'what only left the selection is told as an update',
      frames.with(3, { ...frames[3]!, event: 'instance.updated' }),
      /should be removed/,
    ],
    ['an id is not the revision', frames.with(3, { ...frames[3]!, id: '3' }), /has the id 3/],
    [
      'what is not selected is told',
      frames.toSpliced(2, 0, { id: '2', event: 'instance.registered', data: { revision: 2, instance: anInstance() } }),
      /not selected/,
    ],
    ['the end does not come', frames.slice(0, -2), /has not come: instance.deregistered 9/],
    [
      'the snapshot lacks what is there',
      [{ ...snapshot(LOG, 8), data: { revision: 8, instances: [] } }, ...told(LOG, 8)],
      /lacks/,
    ],
    [
      'the snapshot has what is not selected',
      [{ ...snapshot(LOG, 0), data: { revision: 0, instances: [anInstance()] } }, ...told(LOG, 0)],
      /not selected/,
    ],
  ])('is found out when %s', (_name, wrong, expected) => {
    expect(problems(anew(wrong)).join('\n')).toMatch(expected);
  });

  it('is found out when it resumes too late, too early, or not at all', () => {
    const first = anew([snapshot(LOG, 0), ...told(LOG, 0, 4)]);
    expect(problems(first, { resumedAfter: 4, frames: told(LOG, 5) })[0]).toMatch(/gap: instance.registered 5/);
    expect(problems(first, { resumedAfter: 4, frames: told(LOG, 3) })[0]).toMatch(/not unique/);
    expect(problems(first, { resumedAfter: 4, frames: [] })[0]).toMatch(/has not come/);
  });
});
