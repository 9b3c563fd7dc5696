import { type LogEvent, epochStartedBy, type LogHead, mayFollow } from '@coordination/log';
import { EVENT_COLUMNS, FIRST_PREVIOUS_HASH, hashEvent } from '@coordination/log/testing';
import { isoTime } from '@coordination/database';
import { sameJson } from '@coordination/kernel';
import {
  EVERY_OTHER_NAMESPACE,
  identityKey,
  INSTANCE_COLUMNS,
  type InstanceRecord,
  normalizeRecord,
  type ServiceTouch,
  type StoredRecord,
  toStored,
} from '@coordination/catalog';
import { afterEvent, emptyServicesDroppedBy } from '@coordination/catalog/testing';
import { Client } from 'pg';
import { expect } from 'vitest';

const PAGE = 5_000;

/** The catalog as one snapshot of the database has it, found to be sound. */
export interface CatalogFacts {
  readonly head: LogHead;
  /** The whole log, in revision order. */
  readonly events: readonly LogEvent[];
  /** The instance table by id. */
  readonly instances: ReadonlyMap<string, InstanceRecord>;
}

/**
 * Asserts what must hold of every catalog at every moment, as far as its log is retained: revisions without gaps (within an epoch), times that never
 * fall, a hash chain that verifies, a head that is the last event, an instance table, service revisions and floors that are
 * the fold of the log, and one lease for each instance. It reads one snapshot, so writers may go on meanwhile.
 * @throws AssertionError that names the broken invariant and its revision or id
 */
export async function assertCatalogInvariants(databaseUrl: string): Promise<CatalogFacts> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query('begin isolation level repeatable read read only');
    const { events, folded, serviceRevisions, floors, isCut } = await foldLog(client);
    const head = await readHead(client);
    expect(
      { revision: head.revision, hash: head.hash },
      'the head is not where the log ends: row of catalog_head ≠ last event',
    ).toEqual({ revision: events.at(-1)?.revision ?? 0, hash: events.at(-1)?.hash ?? FIRST_PREVIOUS_HASH });
    const last = events.at(-1);
    const epoch = events.flatMap(event => epochStartedBy(event)?.epoch ?? []).at(-1);
    if (epoch !== undefined) expect(head.epoch, 'the epoch of the head is not the one that began last').toBe(epoch);
    if (last) expect(head.at, 'the time of the head is not that of the last event').toBe(last.at);
    const instances = await readInstances(client);
    assertSameInstances(instances, folded);
    await assertServiceRevisions(client, serviceRevisions, floors, isCut);
    await assertLeases(client, instances);
    return { head, events, instances };
  } finally {
    await client.end();
  }
}

interface Fold {
  readonly events: LogEvent[];
  readonly folded: Map<string, InstanceRecord>;
  readonly serviceRevisions: Map<string, number>;
  /** By namespace; those before the cut are not known. */
  readonly floors: Map<string, number>;
  /** Whether the beginning of the log is gone. */
  readonly isCut: boolean;
}

async function foldLog(client: Client): Promise<Fold> {
  const cut = await readCut(client);
  const baseline = await readBaseline(client, cut.revision);
  const fold: Fold = { events: [], ...baseline, floors: new Map(), isCut: cut.revision > 0 };
  for (;;) {
    const after = fold.events.at(-1)?.revision ?? cut.revision;
    const { rows } = await client.query<LogEvent>(
      `select ${EVENT_COLUMNS} from service_event where revision > $1 order by service_event.revision limit ${PAGE}`,
      [after],
    );
    for (const event of rows) {
      assertFollows(event, fold.events.at(-1) ?? cut);
      applyEvent(event, fold);
      fold.events.push(event);
    }
    if (rows.length < PAGE) return fold;
  }
}

/** What the log goes on from. */
type Link = Pick<LogEvent, 'revision' | 'hash' | 'at'>;

async function readCut(client: Client): Promise<Link> {
  const { rows } = await client.query<Link>(
    `select revision::float8 as revision, hash, ${isoTime('at')} as at from log_cut order by log_cut.revision desc limit 1`,
  );
  return rows[0] ?? { revision: 0, hash: FIRST_PREVIOUS_HASH, at: '' };
}

/** What had become of the instances where the log was cut, and what had touched the services last. */
async function readBaseline(client: Client, cut: number): Promise<Pick<Fold, 'folded' | 'serviceRevisions'>> {
  const { rows } = await client.query<{ name: string; id: string; revision: number; after: StoredRecord | null }>(
    `select distinct on (namespace, service, instance_id) namespace || '/' || service as name, instance_uuid as id,
       revision::float8 as revision, after
     from catalog_baseline where revision <= $1 order by namespace, service, instance_id, catalog_baseline.revision desc`,
    [cut],
  );
  const epochs = await client.query<{ revision: number | null }>(
    `select max((g ->> 'before')::float8) as revision from (select gaps from log_cut order by revision desc limit 1) c,
       jsonb_array_elements(c.gaps) g`,
  );
  const folded = new Map(rows.flatMap(({ id, after }) => (after ? [[id, normalizeRecord(after)] as const] : [])));
  const serviceRevisions = new Map<string, number>();
  for (const { name, revision } of rows) {
    const known = serviceRevisions.get(name) ?? epochs.rows[0]?.revision ?? 0;
    serviceRevisions.set(name, Math.max(known, revision));
  }
  return { folded, serviceRevisions };
}

function assertFollows(event: LogEvent, previous: Link): void {
  const at = `at revision ${event.revision}`;
  expect(mayFollow(previous.revision, event), `the log has a gap ${at}`).toBe(true);
  const begun = epochStartedBy(event);
  if (begun) expect(begun.previousRevision, `the epoch begins elsewhere ${at}`).toBe(previous.revision);
  expect(event.previousHash, `the chain is broken ${at}: previousHash is not the hash before it`).toBe(previous.hash);
  expect(event.hash, `the event was changed ${at}: its hash is not that of its content`).toBe(hashEvent(event));
  expect(event.at >= previous.at, `time falls ${at}`).toBe(true);
}

function applyEvent(event: LogEvent, fold: Fold): void {
  const { folded, serviceRevisions, floors } = fold;
  const { revision, namespace, service, instanceUuid } = event;
  if (namespace !== null && service !== null) serviceRevisions.set(`${namespace}/${service}`, revision);
  // Callers may have seen later revisions of each of them, which were lost.
  if (epochStartedBy(event)) {
    for (const name of serviceRevisions.keys()) serviceRevisions.set(name, revision);
    for (const name of floors.keys()) floors.set(name, revision);
  }
  const dropped = emptyServicesDroppedBy(event);
  if (dropped) dropServices(dropped.upTo, revision, fold);
  if (instanceUuid === null) return;
  const before = event.before as StoredRecord | null;
  const after = event.after as StoredRecord | null;
  const known = folded.get(instanceUuid) ?? null;
  // What a node of the version before wrote says nothing of incarnations.
  const told = before && known && toStored(afterEvent(before, known));
  if (!sameJson(told, known && toStored(known))) {
    expect(before, `"before" is not what the log had made of the instance, at revision ${revision}`).toEqual(known);
  }
  expect(event.version, `versions do not count by one, at revision ${revision}`).toBe((before?.version ?? 0) + 1);
  if (!after) {
    folded.delete(instanceUuid);
    return;
  }
  expect(
    {
      id: after.id,
      version: after.version,
      revision: after.revision,
      updatedAt: after.updatedAt,
      status: after.status,
    },
    `"after" contradicts its event, at revision ${revision}`,
  ).toEqual({
    id: instanceUuid,
    version: event.version,
    revision,
    updatedAt: event.at,
    status: after.override?.status ?? after.health.state,
  });
  folded.set(instanceUuid, afterEvent(after, known));
}

/** Services without instances, in the order of their revisions and then of their names, up to a place in it. */
function dropServices(upTo: ServiceTouch, revision: number, { folded, serviceRevisions, floors }: Fold): void {
  const inhabited = new Set([...folded.values()].map(nameOf));
  const last = nameOf(upTo);
  const dropped = [...serviceRevisions].flatMap(([name, touched]) => {
    const isWithin = touched < upTo.revision || (touched === upTo.revision && name <= last);
    return isWithin && !inhabited.has(name) ? [name] : [];
  });
  for (const name of dropped) serviceRevisions.delete(name);
  for (const namespace of new Set(dropped.map(namespaceIn))) {
    const isLeft = [...serviceRevisions.keys()].some(name => namespaceIn(name) === namespace);
    if (!isLeft) floors.delete(namespace);
    floors.set(isLeft ? namespace : EVERY_OTHER_NAMESPACE, revision);
  }
}

const nameOf = ({ namespace, service }: Pick<ServiceTouch, 'namespace' | 'service'>): string =>
  `${namespace}/${service}`;
const namespaceIn = (name: string): string => name.slice(0, name.indexOf('/'));

async function readHead(client: Client): Promise<LogHead> {
  const { rows } = await client.query<LogHead>(
    `select revision::float8 as revision, hash, epoch, ${isoTime('at')} as at from catalog_head`,
  );
  expect(rows, 'catalog_head has one row').toHaveLength(1);
  return rows[0]!;
}

async function readInstances(client: Client): Promise<Map<string, InstanceRecord>> {
  const { rows } = await client.query<StoredRecord>(`select ${INSTANCE_COLUMNS} from service_instance i`);
  expect(new Set(rows.map(identityKey)).size, 'an identity is there twice').toBe(rows.length);
  return new Map(rows.map(row => [row.id, normalizeRecord(row)]));
}

function assertSameInstances(table: Map<string, InstanceRecord>, folded: Map<string, InstanceRecord>): void {
  expect([...table.keys()].sort(), 'table ≠ fold(log): other instances').toEqual([...folded.keys()].sort());
  for (const [id, row] of table) {
    const record = folded.get(id);
    // Canonical texts are compared first, because a deep comparison of everything is slow.
    if (!sameJson(row, record)) expect(row, `table ≠ fold(log): instance ${id}`).toEqual(record);
  }
}

async function assertServiceRevisions(
  client: Client,
  expected: Map<string, number>,
  expectedFloors: Map<string, number>,
  isCut: boolean,
): Promise<void> {
  const { rows } = await client.query<{ name: string; revision: number }>(
    `select namespace || '/' || service as name, revision::float8 as revision from service_revision`,
  );
  const stored = Object.fromEntries(rows.map(row => [row.name, row.revision]));
  const floors = new Map(
    (
      await client.query<{ namespace: string; revision: number }>(
        'select namespace, revision::float8 as revision from namespace_floor',
      )
    ).rows.map(row => [row.namespace, row.revision]),
  );
  if (isCut) {
    // What was dropped before the cut is not known any more: only that a floor stands for it.
    for (const [name, revision] of expected) {
      const floor = Math.max(floors.get(namespaceIn(name)) ?? 0, floors.get(EVERY_OTHER_NAMESPACE) ?? 0);
      if (!(name in stored) && floor >= revision) expected.delete(name);
    }
    for (const [namespace, floor] of floors) {
      if (floor >= (expectedFloors.get(namespace) ?? 0)) expectedFloors.set(namespace, floor);
    }
  }
  expect(Object.fromEntries(floors), 'namespace_floor is not what the log makes of it').toEqual(
    Object.fromEntries(expectedFloors),
  );
  expect(stored, 'service_revision is not the last event of each service').toEqual(Object.fromEntries(expected));
}

async function assertLeases(client: Client, instances: Map<string, InstanceRecord>): Promise<void> {
  const { rows } = await client.query<{ id: string; ttl: number | null; lapsed: boolean }>(
    'select instance_id as id, ttl_seconds as ttl, lapsed from instance_lease',
  );
  const expected = [...instances.values()].map(({ id, check }) => [id, check.ttlSeconds] as const);
  expect(
    Object.fromEntries(rows.map(({ id, ttl }) => [id, ttl])),
    'each instance has one lease, with the TTL of its check',
  ).toEqual(Object.fromEntries(expected));
  const lapsed = [...instances.values()].filter(
    ({ health }) => health.state === 'unhealthy' && health.decidedBy === 'lease',
  );
  expect(
    rows
      .filter(row => row.lapsed)
      .map(({ id }) => id)
      .sort(),
    'the leases that count as ended are those of the instances that are unhealthy for it',
  ).toEqual(lapsed.map(({ id }) => id).sort());
}
