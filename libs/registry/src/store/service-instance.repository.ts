import { headOrFail } from '@coordination/log';
import { columnsOf, isoTime, query } from '@coordination/database';
import { type EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import {
  hasLapsed,
  INSTANCE_COLUMNS,
  INSTANCES,
  type InstanceIdentity,
  type Lease,
  type LeasedInstance,
  normalizeRecord,
  ServiceRevision,
  type ServiceTouch,
  type StoredRecord,
} from '@coordination/catalog';
import { type Target } from '../domain/commands.js';
import { InstanceLease } from '../leases/instance-lease.entity.js';
import { newest } from '../leases/instance-lease.repository.js';
import { type ChangeTexts, type InstanceChange } from './instance-change.js';

/** What a change of an instance cannot change. */
const CHANGEABLE = INSTANCES.written().without('id', 'namespace', 'service', 'instanceId', 'registeredAt');
const LEASES = columnsOf(InstanceLease);
/** A lease that begins has not ended. */
const NEW_LEASE = LEASES.without('lapsed', 'probeError');
const TOUCHES = columnsOf(ServiceRevision);

const LEASE_COLUMNS = LEASES.only('renewedAt', 'checkedAt', 'probeError').select('l');

/**
 * The instances that commands name, by id or by identity, with a bound on the bytes that are read: an instance beyond the
 * bound is returned as `cut`, without its data.
 */
const FIND_NAMED = `
  with named as (
    select * from jsonb_to_recordset($1) as n (n int, id uuid, namespace text, service text, "instanceId" text)
  ), hit as (
    select n.n, i.id, octet_length(i.metadata::text) as size from named n join service_instance i on i.id = n.id
    union all
    select n.n, i.id, octet_length(i.metadata::text) from named n join service_instance i
      on (i.namespace, i.service, i.instance_id) = (n.namespace, n.service, n."instanceId")
  ), weighed as (
    select n, id, n >= $2 and sum(size) over (order by n) > $3 as cut from hit
  )
  select w.n, w.cut, ${INSTANCE_COLUMNS}, ${LEASE_COLUMNS}
  from weighed w
  left join service_instance i on i.id = w.id and not w.cut
  left join instance_lease l on l.instance_id = i.id
  order by w.n`;

/** One instance, if it exists, and the head of the log at the same moment, because they are one statement. */
const findAtHead = (named: string): string => `
  select h.revision::float8 as "headRevision", h.epoch as "headEpoch", pg_is_in_recovery() as "inRecovery",
    ${INSTANCE_COLUMNS}, ${LEASE_COLUMNS}
  from catalog_head h left join service_instance i on ${named} left join instance_lease l on l.instance_id = i.id
  where h.id = 1`;

const FIND_BY_ID = findAtHead('i.id = $1');
const FIND_BY_IDENTITY = findAtHead('(i.namespace, i.service, i.instance_id) = ($1, $2, $3)');

/** The incarnations of instances; one row without an instance, if there is none. */
const INCARNATIONS = `
  select s."inRecovery", i.id, i.incarnation
  from (select pg_is_in_recovery() as "inRecovery") s left join service_instance i on i.id = any($1::uuid[])`;

/**
 * The form of the rows of {@link changeText}, for `jsonb_to_recordset`: an instance with its lease, and what is to be done. The
 * lease has the id and the number of the incarnation of its instance.
 */
export const CHANGE_FORM = `(
  op text, "expectedVersion" int, "leaseMoved" boolean, "checkKept" boolean,
  ${INSTANCES.written().form()},
  ${LEASES.without('instance', 'incarnationNumber', 'probeError').form()})`;

/**
 * The CTEs that write the rows of the CTE `change`; they return one row for each that was written. An update or removal that
 * finds another version than the one that was decided on writes nothing.
 * @param touches SQL of the from-clause that gives the parameter with the touched services, as `t`
 */
export const savingCtes = (touches: string): string => `
  removed as (
    delete from service_instance i using change c
    where c.op = 'delete' and i.id = c.id and i.version = c."expectedVersion"
    returning i.id
  ), updated as (
    update service_instance i set ${CHANGEABLE.assignments('c')}
    from change c
    where c.op = 'update' and i.id = c.id and i.version = c."expectedVersion"
    returning i.id
  ), inserted as (
    insert into service_instance (${INSTANCES.written().names()})
    select ${INSTANCES.written().values()}
    from change where op = 'insert'
    returning id
  ), leased as (
    insert into instance_lease (${NEW_LEASE.names()})
    select ${NEW_LEASE.values(undefined, { instance: 'id' })} from change where op = 'insert'
  ), renewed as (
    update instance_lease l set
      renewed_at = ${newest('l.renewed_at', 'c."renewedAt"')},
      checked_at = case when c."checkKept" then l.checked_at else c."checkedAt" end,
      probe_error = case when c."checkKept" or c."checkedAt" is not null then l.probe_error end,
      ttl_seconds = c."ttlSeconds", lapsed = c.lapsed, incarnation_number = c."incarnationNumber"
    from change c
    where c.op = 'update' and c."leaseMoved" and l.instance_id = c.id
  ), touched as (
    insert into service_revision as s (${TOUCHES.names()})
    select ${TOUCHES.values('t')} from ${touches}
    on conflict (namespace, service) do update set revision = excluded.revision where s.revision < excluded.revision
  )`;

/** The form of touched services, for `jsonb_to_recordset`. */
export const TOUCH_FORM = `(${TOUCHES.form()})`;

/** The net changes of a batch in one statement; the count shows whether all were written. */
const SAVE = `
  with change as (
    select * from jsonb_to_recordset($1) as c ${CHANGE_FORM}
  ), ${savingCtes(`jsonb_to_recordset($2) as t ${TOUCH_FORM}`)}
  select (select count(*) from removed)::int + (select count(*) from updated)::int
    + (select count(*) from inserted)::int as saved`;

/** Times are texts of one form, so they sort as the times do; the partial index has only overrides that end. */
export const OVERRIDE_OVER = `
  select id from service_instance
  where override ->> 'until' is not null and override ->> 'until' <= ${isoTime('statement_timestamp()')}
  order by override ->> 'until' limit $1`;

/** Which of the instances that a batch names are read. */
export interface NamedInstances {
  readonly targets: readonly Target[];
  /** How many of the targets, from the first on, are read whatever their size. */
  readonly always: number;
  readonly maxBytes: number;
}

/** The named instances that were found. */
export interface FoundInstances {
  /** Each instance once. */
  readonly found: readonly LeasedInstance[];
  /** Number of the first target that was left out because enough had been read; the length of `targets` if none was. */
  readonly complete: number;
}

/** One instance, and the position of the catalog that it was read at. */
export interface InstanceAtHead {
  readonly leased: LeasedInstance | undefined;
  readonly revision: number;
  readonly epoch: string;
  /** Whether the server is a standby, which may lack changes that have been acknowledged. */
  readonly inRecovery: boolean;
}

/** The incarnations of instances, as one server has them. */
export interface StoredIncarnations {
  /** By the id of the instance; null: the instance has named none. */
  readonly incarnations: ReadonlyMap<string, string | null>;
  /** Whether the server is a standby, which may lack changes that have been acknowledged. */
  readonly inRecovery: boolean;
}

interface IncarnationRow {
  readonly inRecovery: boolean;
  /** Null: no instance was found. */
  readonly id: string | null;
  readonly incarnation: string | null;
}

type LeasedRow = StoredRecord & Lease;

interface HeadColumns {
  readonly headRevision: number;
  readonly headEpoch: string;
  readonly inRecovery: boolean;
}

/** A join that found nothing gives nulls. */
type HeadAndInstance = HeadColumns & (LeasedRow | { readonly id: null });

/** The present state of the catalog. `save` is for the transaction that has locked the head of the log. */
@Injectable()
export class ServiceInstanceRepository {
  async findNamed(em: EntityManager, { targets, always, maxBytes }: NamedInstances): Promise<FoundInstances> {
    const named = targets.map((target, n) => ({ n, ...('id' in target ? target : target.identity) }));
    const rows = await query<LeasedRow & { n: number; cut: boolean }>(em, FIND_NAMED, [
      JSON.stringify(named),
      always,
      maxBytes,
    ]);
    const found = new Map<string, LeasedInstance>();
    let complete = targets.length;
    for (const { n, cut, ...row } of rows) {
      if (cut) complete = Math.min(complete, n);
      else found.set(row.id, toLeased(row));
    }
    return { found: [...found.values()], complete };
  }

  /**
   * Writes the net changes of a batch.
   * @param texts the JSON texts of both
   * @throws Error when a row is not what the change was decided on, which the lock of the head makes impossible
   */
  async save(
    em: EntityManager,
    changes: readonly InstanceChange[],
    touches: readonly ServiceTouch[],
    texts: ChangeTexts = { changes: `[${changes.map(changeText).join(',')}]`, touches: JSON.stringify(touches) },
  ): Promise<void> {
    const [result] = await query<{ saved: number }>(em, SAVE, [texts.changes, texts.touches]);
    if (result?.saved !== changes.length) {
      throw new Error(
        'An instance was changed past the head of the log: only the catalog writer may change instances.',
      );
    }
  }

  /** One instance with its lease, and the head of the log at the same moment. */
  async findAtHead(em: EntityManager, target: Target): Promise<InstanceAtHead> {
    const rows =
      'id' in target
        ? await query<HeadAndInstance>(em, FIND_BY_ID, [target.id])
        : await query<HeadAndInstance>(em, FIND_BY_IDENTITY, identityValues(target.identity));
    const { headRevision: revision, headEpoch: epoch, inRecovery, ...found } = headOrFail(rows[0]);
    return { leased: found.id === null ? undefined : toLeased(found), revision, epoch, inRecovery };
  }

  /** One instance with its lease, if it exists. */
  async find(em: EntityManager, target: Target): Promise<LeasedInstance | undefined> {
    const { found } = await this.findNamed(em, { targets: [target], always: 1, maxBytes: 0 });
    return found[0];
  }

  /** Ids of instances whose override has expired by the clock of the database. */
  async idsWithOverrideOver(em: EntityManager, limit: number): Promise<string[]> {
    const rows = await query<{ id: string }>(em, OVERRIDE_OVER, [limit]);
    return rows.map(row => row.id);
  }

  /** The incarnations of those ids that are ids of instances. */
  async incarnations(em: EntityManager, ids: readonly string[]): Promise<StoredIncarnations> {
    const rows = await query<IncarnationRow>(em, INCARNATIONS, [ids]);
    const incarnations = new Map<string, string | null>();
    for (const { id, incarnation } of rows) if (id !== null) incarnations.set(id, incarnation);
    return { incarnations, inRecovery: rows.some(({ inRecovery }) => inRecovery) };
  }
}

const identityValues = ({ namespace, service, instanceId }: InstanceIdentity) => [namespace, service, instanceId];

function toLeased({ renewedAt, checkedAt, probeError, ...instance }: LeasedRow): LeasedInstance {
  return { instance: normalizeRecord(instance), lease: { renewedAt, checkedAt, ...(probeError && { probeError }) } };
}

/** A net change as a row of {@link CHANGE_FORM}, in JSON. */
export const changeText = (change: InstanceChange): string => JSON.stringify(toRow(change));

function toRow({ before, after }: InstanceChange): Record<string, unknown> {
  if (!after) return { op: 'delete', id: before?.instance.id, expectedVersion: before?.instance.version };
  return {
    op: before ? 'update' : 'insert',
    expectedVersion: before?.instance.version,
    ...after.instance,
    ttlSeconds: after.instance.check.ttlSeconds,
    lapsed: hasLapsed(after.instance.health),
    leaseMoved: before?.lease !== after.lease || hasLapsed(before.instance.health) !== hasLapsed(after.instance.health),
    ...after.lease,
    // A decision without the last check cannot have changed it.
    checkKept: after.lease.checkedAt === undefined,
  };
}
