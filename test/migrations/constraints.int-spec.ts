import { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/database/test-database.js';

let database: TestDatabase;
let client: Client;

beforeEach(async () => {
  database = await createTestDatabase();
  client = new Client({ connectionString: database.url });
  await client.connect();
});

afterEach(async () => {
  await client.end();
  await database.drop();
});

type Columns = Readonly<Record<string, string | number | null>>;

const literal = (value: string | number | null) => (value === null ? 'null' : `'${value}'`);

const insert = (table: string, columns: Columns): string => {
  return `insert into ${table} (${Object.keys(columns).join(', ')}) values (${Object.values(columns).map(literal).join(', ')})`;
};

const ID = '01890000-0000-7000-8000-000000000001';
const NOW = '2026-01-01T00:00:00Z';

const anInstance = (differing: Columns = {}): string =>
  insert('service_instance', {
    id: ID,
    namespace: 'default',
    service: 'orders',
    instance_id: 'a',
    type: 'api',
    scheme: 'http',
    host: 'h',
    port: 80,
    weight: 100,
    metadata: '{}',
    check_terms: '{"kind": "heartbeat"}',
    health: '{"state": "healthy"}',
    registered_at: NOW,
    updated_at: NOW,
    revision: 1,
    ...differing,
  });

const anEvent = (differing: Columns = {}): string =>
  insert('service_event', {
    revision: 1,
    at: NOW,
    action: 'instance.registered',
    actor: 'anonymous',
    source: 'api',
    batch_id: ID,
    after: '{}',
    previous_hash: '0'.repeat(64),
    hash: 'a'.repeat(64),
    hash_version: 1,
    ...differing,
  });

const aLease = (differing: Columns = {}): string =>
  insert('instance_lease', { instance_id: ID, renewed_at: NOW, ...differing });

const aTouch = (differing: Columns = {}): string =>
  insert('service_revision', { namespace: 'default', service: 'orders', revision: 1, ...differing });

const aFloor = (differing: Columns = {}): string =>
  insert('namespace_floor', { namespace: 'default', revision: 1, ...differing });

const aRole = (differing: Columns = {}): string =>
  insert('node_role', {
    role: 'sweeper',
    holder: 'a',
    term: 1,
    expires_at: NOW,
    witnessed_at: NOW,
    back_since: NOW,
    ...differing,
  });

const aGuard = (differing: Columns = {}): string =>
  insert('liveness_guard', {
    namespace: 'default',
    service: 'orders',
    phase: 'holding',
    reason: 'operator',
    since: NOW,
    until: NOW,
    would_expire: 1,
    of_leases: 1,
    share_limit: 0.3,
    ...differing,
  });

const anOrder = (differing: Columns = {}): string =>
  insert('liveness_order', {
    namespace: 'default',
    service: 'orders',
    kind: 'end',
    ordered_at: NOW,
    until: NOW,
    ordered_by: 'ada',
    ...differing,
  });

const aProbeGuard = (differing: Columns = {}): string =>
  insert('probe_guard', {
    node: 'a',
    namespace: 'default',
    service: 'orders',
    phase: 'holding',
    reason: 'probe-failures',
    since: NOW,
    until: NOW,
    would_expire: 1,
    of_instances: 1,
    share_limit: 0.3,
    seen_at: NOW,
    ...differing,
  });

const aSecondLook = (differing: Columns = {}): string =>
  insert('probe_second_look', {
    instance_id: '0193b3c8-7a10-7c3e-9f52-6a8d1e4b2f77',
    node: 'a',
    asked_at: NOW,
    ...differing,
  });

const aKey = (differing: Columns = {}): string =>
  insert('idempotency_key', {
    actor: 'anonymous',
    key: 'k',
    fingerprint: 'A-_9'.repeat(10) + 'abc',
    at: NOW,
    revision: 0,
    epoch: ID,
    answer: '{"results": []}',
    ...differing,
  });

const aCut = (differing: Columns = {}): string =>
  insert('log_cut', {
    revision: 5,
    hash: 'a'.repeat(64),
    at: NOW,
    epoch: ID,
    gaps: '[]',
    first_revision: 1,
    events: 5,
    event_revision: 9,
    partitions: '["service_event_p0"]',
    export_file: 'audit.ndjson',
    export_sha256: 'a'.repeat(64),
    made_at: NOW,
    ...differing,
  });

const aBaselineRow = (differing: Columns = {}): string =>
  insert('catalog_baseline', {
    revision: 5,
    namespace: 'default',
    service: 'orders',
    instance_id: 'a',
    instance_uuid: ID,
    after: '{}',
    ...differing,
  });

const OTHER_ID = '01890000-0000-7000-8000-000000000002';

/** For each named constraint statements that break it and nothing else. */
const BREAKERS: Readonly<Record<string, readonly string[]>> = {
  catalog_head_one_row: [
    `insert into catalog_head select 2, revision, hash, at, epoch, fence, system_identifier, timeline from catalog_head`,
  ],
  catalog_head_pkey: ['insert into catalog_head select * from catalog_head'],
  catalog_head_revision_range: [
    'update catalog_head set revision = -1',
    'update catalog_head set revision = 9007199254740992',
  ],
  catalog_head_hash_form: ["update catalog_head set hash = 'x'", "update catalog_head set hash = repeat('A', 64)"],
  catalog_head_fence_range: ['update catalog_head set fence = -1'],
  service_event_revision_range: [anEvent({ revision: 0 })],
  service_event_previous_hash_form: [anEvent({ previous_hash: 'x' })],
  service_event_hash_form: [anEvent({ hash: 'A'.repeat(64) })],
  service_event_action_form: ['', 'instance', 'Instance.registered', 'a.b.c'].map(action => anEvent({ action })),
  service_event_says_something: [anEvent({ after: null })],
  service_event_p0_pkey: [`${anEvent()}; ${anEvent()}`],
  service_instance_pkey: [`${anInstance()}; ${anInstance({ instance_id: 'b' })}`],
  service_instance_identity_key: [`${anInstance()}; ${anInstance({ id: OTHER_ID })}`],
  service_instance_namespace_form: ['', 'A', '-a', 'a_b', 'a'.repeat(64)].map(namespace => anInstance({ namespace })),
  service_instance_service_form: ['', 'A', '.a', 'a b', 'a'.repeat(101)].map(service => anInstance({ service })),
  service_instance_instance_id_form: ['', 'a b', 'a/b', 'a'.repeat(201), '[x]:1'].map(instance_id =>
    anInstance({ instance_id }),
  ),
  service_instance_type_known: [anInstance({ type: 'nonsense' })],
  service_instance_scheme_known: [anInstance({ scheme: 'ftp' })],
  service_instance_host_length: ['', 'a'.repeat(254)].map(host => anInstance({ host })),
  service_instance_port_range: [0, 65_536].map(port => anInstance({ port })),
  service_instance_weight_range: [-1, 10_001].map(weight => anInstance({ weight })),
  service_instance_incarnation_form: ['', 'a b', 'ü', 'x'.repeat(101)].map(incarnation => anInstance({ incarnation })),
  service_instance_incarnation_number_positive: [0, -1].map(number => anInstance({ incarnation_number: number })),
  service_instance_ended_incarnations_are_list: ['{}', '1', 'null', '"x"'].map(ended =>
    anInstance({ ended_incarnations: ended }),
  ),
  service_instance_metadata_is_object: ['[]', '1', 'null', '"x"'].map(metadata => anInstance({ metadata })),
  service_instance_check_kind_known: ['{}', '{"kind": "x"}', '{"kind": null}', '[]'].map(check_terms =>
    anInstance({ check_terms }),
  ),
  service_instance_health_state_known: ['{"state": "stopped"}', '{"state": "x"}'].map(health => anInstance({ health })),
  service_instance_override_status_known: ['{"status": "healthy"}', '{"status": "x"}'].map(override =>
    anInstance({ override }),
  ),
  service_instance_times_ordered: [anInstance({ updated_at: '2025-12-31T23:59:59Z' })],
  service_instance_version_positive: [anInstance({ version: 0 })],
  service_instance_revision_positive: [anInstance({ revision: 0 })],
  instance_lease_pkey: [`${anInstance()}; ${aLease()}; ${aLease()}`],
  instance_lease_ttl_range: [0, 86_401].map(ttl_seconds => `${anInstance()}; ${aLease({ ttl_seconds })}`),
  instance_lease_instance_id_foreign: [aLease()],
  service_revision_pkey: [`${aTouch()}; ${aTouch({ revision: 2 })}`],
  service_revision_positive: [aTouch({ revision: 0 })],
  namespace_floor_pkey: [`${aFloor()}; ${aFloor({ revision: 2 })}`],
  namespace_floor_positive: [aFloor({ revision: 0 })],
  node_role_pkey: [`${aRole()}; ${aRole({ holder: 'b' })}`],
  node_role_term_positive: [aRole({ term: 0 })],
  liveness_guard_pkey: [`${aGuard()}; ${aGuard()}`],
  liveness_guard_phase_known: [aGuard({ phase: 'x' })],
  liveness_guard_reason_known: [aGuard({ reason: 'x' })],
  liveness_order_pkey: [`${anOrder()}; ${anOrder({ kind: 'force' })}`],
  liveness_order_kind_known: [anOrder({ kind: 'x' })],
  probe_guard_pkey: [`${aProbeGuard()}; ${aProbeGuard()}`],
  probe_guard_phase_known: [aProbeGuard({ phase: 'x' })],
  probe_guard_reason_known: [aProbeGuard({ reason: 'store-away' })],
  probe_second_look_pkey: [`${aSecondLook()}; ${aSecondLook({ node: 'b' })}`],
  probe_second_look_failures_counted: [aSecondLook({ failures: -1 })],
  idempotency_key_pkey: [`${aKey()}; ${aKey({ revision: 2 })}`],
  idempotency_key_actor_named: [aKey({ actor: '' })],
  idempotency_key_key_form: ['', 'a b', 'ä', '\t', 'k'.repeat(256)].map(key => aKey({ key })),
  idempotency_key_fingerprint_form: ['', 'a'.repeat(42), 'a'.repeat(44), '='.repeat(43)].map(fingerprint =>
    aKey({ fingerprint }),
  ),
  idempotency_key_revision_range: [aKey({ revision: -1 })],
  log_cut_pkey: [`${aCut()}; ${aCut()}`],
  log_cut_hash_form: [aCut({ hash: 'A'.repeat(64) }), aCut({ hash: '' })],
  log_cut_revisions_ordered: [aCut({ first_revision: 0 }), aCut({ first_revision: 6 }), aCut({ event_revision: 5 })],
  log_cut_gaps_are_list: [aCut({ gaps: '{}' })],
  log_cut_partitions_are_list: [aCut({ partitions: '"service_event_p0"' })],
  catalog_baseline_pkey: [`${aBaselineRow()}; ${aBaselineRow({ instance_id: 'b' })}`],
  idempotency_key_answer_is_object: ['[]', 'null', '1'].map(answer => aKey({ answer })),
};

describe('The rules of the database', () => {
  it('take what is right', async () => {
    await client.query(
      [
        anInstance(),
        aLease({ ttl_seconds: 86_400 }),
        anEvent(),
        aTouch(),
        aFloor({ namespace: '*' }),
        aKey(),
        aCut(),
        aBaselineRow(),
      ].join('; '),
    );
    await client.query(aKey({ actor: 'ada', key: '~!'.repeat(127) }));
    await client.query(anInstance({ id: OTHER_ID, instance_id: '[2001:db8::1]:80', version: 9, port: 65_535 }));
    const { rows } = await client.query<{ status: string; version: number }>(
      'select status, version from service_instance order by version',
    );
    expect(
      rows.map(row => row.version),
      'the first version is 1',
    ).toEqual([1, 9]);
  });

  it('refuse what is not, each by its name', async () => {
    for (const [constraint, statements] of Object.entries(BREAKERS)) {
      for (const statement of statements) {
        await client.query('begin');
        await expect(client.query(statement), `${constraint} takes: ${statement}`).rejects.toMatchObject({
          constraint,
        });
        await client.query('rollback');
      }
    }
  });

  it('are all of them known here', async () => {
    const { rows } = await client.query<{ name: string }>(`
      select conname as name from pg_constraint c join pg_class t on t.oid = c.conrelid
      where c.connamespace = 'public'::regnamespace and contype in ('c', 'f', 'p', 'u')
        and relname !~ '^mikro_orm' and (not relispartition or conname = 'service_event_p0_pkey')`);
    const named = rows.map(row => row.name).filter(name => name !== 'service_event_pkey');
    expect(named.toSorted()).toEqual(Object.keys(BREAKERS).toSorted());
  });

  it('give an instance the status of its override, or else of its health', async () => {
    await client.query(anInstance({ override: '{"status": "stopped"}' }));
    const { rows } = await client.query('select status from service_instance');
    expect(rows).toEqual([{ status: 'stopped' }]);
    await client.query(`update service_instance set override = null, health = '{"state": "degraded"}'`);
    expect((await client.query('select status from service_instance')).rows).toEqual([{ status: 'degraded' }]);
  });

  it('take the lease away with its instance', async () => {
    await client.query([anInstance(), aLease()].join('; '));
    await client.query('delete from service_instance');
    expect((await client.query('select from instance_lease')).rowCount).toBe(0);
  });

  it('take no event that no partition has room for', async () => {
    await client.query(anEvent({ revision: 1_999_999 }));
    await expect(client.query(anEvent({ revision: 2_000_000 }))).rejects.toMatchObject({ code: '23514' });
  });

  it('keep the log from being changed, as superuser too, and in partitions that came later', async () => {
    await client.query('select ensure_service_event_partitions(1500000)');
    await client.query([anEvent(), anEvent({ revision: 2_500_000 })].join('; '));
    for (const statement of [
      "update service_event set actor = 'x'",
      'delete from service_event',
      'truncate service_event',
      'truncate service_event_p0',
      "update service_event_p2 set actor = 'x'",
      'delete from service_event_p2',
      'truncate service_event_p2',
    ]) {
      await expect(client.query(statement), statement).rejects.toMatchObject({ code: '42501' });
    }
  });
});
