import { type LogEvent } from '@coordination/log';
import { sameJson } from '@coordination/kernel';
import { type InstanceRecord, normalizeRecord, toInstanceView } from '@coordination/catalog';
import { isChange, type WatchConnection, type WatchFrame, type WatchStretch, stretchesOf } from './watch-record.js';

/** Problems of one kind that are told at most; the rest are counted. */
const MAX_TOLD = 5;

/** Which instances a watch was asked for. */
export type Selects = (instance: InstanceRecord) => boolean;

/** What a watch must be told of an event of the log; undefined: nothing, it does not concern what it selects. */
export interface ExpectedFrame {
  readonly event: string;
  readonly revision: number;
  readonly action: string;
  readonly instance: InstanceRecord;
}

/**
 * An event concerns a selection when the instance before it or after it is selected. What left the selection but lives
 * on comes as `removed`; what is gone comes under the name of what happened, with its last state.
 */
export function expectedFrame({ revision, action, instanceUuid, before, after }: LogEvent, selects: Selects) {
  if (instanceUuid === null) return undefined; // not about an instance: a new epoch, say
  const [was, is] = [before as InstanceRecord | null, after as InstanceRecord | null];
  const told = (event: string, instance: InstanceRecord): ExpectedFrame => ({ event, revision, action, instance });
  if (is && selects(is)) return told(action, is);
  if (!was || !selects(was)) return undefined;
  return is ? told('removed', is) : told(action, was);
}

/** What breaks a guarantee of the watch, in words; nothing: all hold. */
export type Problems = readonly string[];

/** Each event of changes has the revision as its id, is newer than all before it, and comes once. */
export function orderProblems({ after, frames }: WatchStretch): Problems {
  let position = after;
  const problems: string[] = [];
  for (const frame of frames) {
    const { revision } = frame.data;
    const what = `${frame.event} ${revision}`;
    if (frame.id !== String(revision)) problems.push(`${what} has the id ${frame.id}`);
    if (isChange(frame) && revision === position) problems.push(`not unique: ${what} comes again`);
    else if (revision < position) problems.push(`not ordered: ${what} comes after ${position}`);
    position = Math.max(position, revision);
  }
  return few(problems);
}

/**
 * What came is exactly what the log selects, as far as the stretch goes: none is missing, none is too much, each says
 * what happened. A bookmark promises that everything up to it has come before it.
 * @param selects the selection, which the log's own events are judged by
 */
export function contentProblems(stretch: WatchStretch, log: readonly LogEvent[], selects: Selects): Problems {
  const expected = log
    .filter(({ revision }) => revision > stretch.after)
    .flatMap(event => expectedFrame(event, selects) ?? []);
  const problems: string[] = [];
  let next = 0;
  for (const frame of stretch.frames) {
    const { revision } = frame.data;
    const isTold = (candidate: ExpectedFrame) =>
      candidate.revision < revision || (!isChange(frame) && candidate.revision === revision);
    for (; next < expected.length && isTold(expected[next]!); next++) {
      problems.push(
        `gap: ${expected[next]!.event} ${expected[next]!.revision} has not come before ${frame.event} ${revision}`,
      );
    }
    if (!isChange(frame)) continue;
    if (expected[next]?.revision === revision) problems.push(...frameProblems(frame, expected[next++]!));
    else problems.push(`not selected, or not in the log, or told before: ${frame.event} ${revision}`);
  }
  return few(problems);
}

function frameProblems({ event, data }: WatchFrame, expected: ExpectedFrame): Problems {
  const what = `${event} ${data.revision}`;
  if (event !== expected.event) return [`${what} should be ${expected.event}`];
  if (data.action !== expected.action) return [`${what} names the action ${data.action}, not ${expected.action}`];
  const logged = expected.instance && asTold(expected.instance);
  if (sameJson(data.instance ?? null, logged)) return [];
  return [`${what} shows ${JSON.stringify(data.instance)}, the log has ${JSON.stringify(logged)}`];
}

/** What answers tell of a record as the log keeps it, which says nothing of incarnations where there were none. */
const asTold = (record: InstanceRecord): unknown => JSON.parse(JSON.stringify(toInstanceView(normalizeRecord(record))));

/** A snapshot is the selection of the log's fold at its revision. */
export function snapshotProblems(
  { after, snapshot }: WatchStretch,
  log: readonly LogEvent[],
  selects: Selects,
): Problems {
  if (snapshot === undefined) return [];
  const expected = [...foldAt(log, after).values()].filter(selects);
  const told = new Map(snapshot.map(instance => [instance.id, instance]));
  const problems = expected
    .filter(instance => !sameJson(told.get(instance.id) ?? null, asTold(instance)))
    .map(({ id }) => `the snapshot at ${after} lacks instance ${id}, or has it otherwise`);
  if (told.size !== snapshot.length) problems.push(`the snapshot at ${after} has an instance twice`);
  if (told.size > expected.length) problems.push(`the snapshot at ${after} has instances that are not selected`);
  return few(problems);
}

/** A stretch reaches a revision when nothing that is selected up to it is still to come. */
export function reachProblems(
  stretch: WatchStretch,
  log: readonly LogEvent[],
  selects: Selects,
  until: number,
): Problems {
  const reached = stretch.frames.at(-1)?.data.revision ?? stretch.after;
  return few(
    log
      .filter(event => event.revision > reached && event.revision <= until && expectedFrame(event, selects))
      .map(({ action, revision }) => `has not come: ${action} ${revision}`),
  );
}

/** All that can be wrong in a stretch, as far as it goes. */
export const stretchProblems = (stretch: WatchStretch, log: readonly LogEvent[], selects: Selects): Problems => [
  ...orderProblems(stretch),
  ...contentProblems(stretch, log, selects),
  ...snapshotProblems(stretch, log, selects),
];

/**
 * All guarantees of the watch over all that one watcher was told: ordered, unique, without a gap, resumed where it was,
 * the filter exact, one event per revision, no bookmark ahead of what came, snapshots true.
 * @param until the revision that the last stretch must have reached
 */
export function watchProblems(
  connections: readonly WatchConnection[],
  log: readonly LogEvent[],
  selects: Selects,
  until: number,
): Problems {
  const stretches = stretchesOf(connections);
  const last = stretches.at(-1);
  return [
    ...stretches.flatMap(stretch => stretchProblems(stretch, log, selects)),
    ...(last ? reachProblems(last, log, selects, until) : ['nothing was told at all']),
  ];
}

/** The instances as the log makes them up to a revision, by id. */
export function foldAt(log: readonly LogEvent[], revision: number): Map<string, InstanceRecord> {
  const folded = new Map<string, InstanceRecord>();
  for (const event of log) {
    if (event.revision > revision) break;
    if (event.instanceUuid === null) continue;
    if (event.after) folded.set(event.instanceUuid, event.after as InstanceRecord);
    else folded.delete(event.instanceUuid);
  }
  return folded;
}

const few = (problems: readonly string[]): Problems =>
  problems.length <= MAX_TOLD
    ? problems
    : [...problems.slice(0, MAX_TOLD), `… and ${problems.length - MAX_TOLD} more of the kind`];
