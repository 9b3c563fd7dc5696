import { Injectable } from '@nestjs/common';
import { columnsOf, isoTime, query } from '@coordination/database';
import { type EntityManager } from '@mikro-orm/postgresql';
import { NodeRole } from './node-role.entity.js';
import { type RecordedStall } from './recorded-stall.js';
import { type RoleTerm } from './role-term.js';

const ROLES = columnsOf(NodeRole);

/** The most stalls that are kept: with one for each claim, those of the last half minute at least. */
const MAX_STALLS = 32;

const NOW_TEXT = isoTime('statement_timestamp()');

/** The stalls of a role `r` with the one that ends with this claim. After the clock was set back, those in the future are dropped. */
const WITH_STALL = `
  select jsonb_agg(stall order by stall ->> 'until') from (
    select stall from (
      select jsonb_build_object(
        'from', ${isoTime('(statement_timestamp() - make_interval(secs => $6::float8 / 1000))')},
        'until', ${NOW_TEXT}, 'ms', $7::float8) as stall
      union all select jsonb_array_elements(r.stalls)
    ) as every
    where stall ->> 'until' <= ${NOW_TEXT}
    order by stall ->> 'until' desc limit ${MAX_STALLS}
  ) as kept`;

/**
 * One statement that renews the role, takes it if it is free, or only records that a node claimed it. A role counts as free
 * when its end is further away than any statement sets: the database clock was set back since, and no node could take the
 * role until then. For the same reason the recorded recovery is never later than now.
 *
 * A stall ($7, in ms) of the claiming process is recorded if it holds the role or takes it when it is free, and no other process
 * has taken it since the last claim of this one, in the term $5, $6 ms ago. The time that the stall explains ($8, in ms) does not
 * count as one in which no node could reach the database.
 */
const CLAIM = `
  insert into node_role as r (role, holder, term, expires_at, witnessed_at, back_since)
  values ($1, $2, 1, statement_timestamp() + make_interval(secs => $3::float8 / 1000), statement_timestamp(),
    statement_timestamp())
  on conflict (role) do update set
    (holder, term, expires_at, stalls) = (
      select
        case when free or r.holder = $2 then $2 else r.holder end,
        case when free then r.term + 1 else r.term end,
        case when free or r.holder = $2
          then statement_timestamp() + make_interval(secs => $3::float8 / 1000) else r.expires_at end,
        case when $7::float8 > 0 and r.term = $5::bigint and (free or r.holder = $2) then (${WITH_STALL}) else r.stalls end
      from (select r.expires_at <= statement_timestamp()
        or r.expires_at > statement_timestamp() + make_interval(secs => $3::float8 / 500) as free) as state),
    back_since = case
      when statement_timestamp() - r.witnessed_at > make_interval(secs => ($4::float8 + $8::float8) / 1000)
      then statement_timestamp() else least(r.back_since, statement_timestamp()) end,
    witnessed_at = statement_timestamp()
  returning ${ROLES.only('holder', 'term', 'workedAt').select()}`;

const RELEASE = `
  update node_role set expires_at = statement_timestamp() where role = $1 and holder = $2 and term = $3`;

/** Locks the row, so that a node that takes the role waits for the end of the transaction that has checked the term. */
const HOLDS = `
  select from node_role where role = $1 and holder = $2 and term = $3 and expires_at > clock_timestamp() for share`;

const FIND = `
  select ${ROLES.without('role', 'witnessedAt').select()}, ${isoTime('statement_timestamp()')} as now
  from node_role where role = $1`;

const NOTE_WORK = `
  update node_role set worked_at = statement_timestamp()
  where role = $1 and holder = $2 and term = $3 and expires_at > statement_timestamp()`;

/** A stall of the claiming process since its last claim. */
export interface ClaimedStall {
  /** The term of the role at the last claim, whichever node had it. */
  readonly term: number;
  /** How long ago (ms) that claim was sent. */
  readonly sinceMs: number;
  /** For how long (ms) the event loop was stalled since then. */
  readonly stalledMs: number;
  /** Whether the stall is why no claim came meanwhile. False: claims failed as well, so the database may have been away. */
  readonly isWhy: boolean;
}

/** A claim to a role. */
export interface RoleClaim {
  readonly role: string;
  readonly holder: string;
  /** How long (ms) the claim lasts. */
  readonly lastsMs: number;
  /** After so long (ms) without a claim by any node, no node can have reached the database. */
  readonly awayAfterMs: number;
  readonly stall?: ClaimedStall | undefined;
}

const NO_STALL: ClaimedStall = { term: 0, sinceMs: 0, stalledMs: 0, isWhy: false };

/** Who holds a role after a claim, and when the holder last recorded that it had done its work. */
export interface ClaimedRole {
  readonly term: RoleTerm;
  readonly workedAt: string | null;
}

/** A role as it is stored. Times are RFC 3339 in UTC, by the clock of the database. */
export interface RoleRecord {
  readonly holder: string;
  readonly term: number;
  /** When this was read. */
  readonly now: string;
  readonly expiresAt: string;
  /** When nodes could reach the database again after an outage. */
  readonly backSince: string;
  readonly workedAt: string | null;
  /** The last stalls of its holders, the oldest first. */
  readonly stalls: readonly RecordedStall[];
}

/** Roles that one node at a time holds. */
@Injectable()
export class NodeRoleRepository {
  /** Renews a role, or takes it if it is free. @returns who holds it now */
  async claim(em: EntityManager, { role, holder, lastsMs, awayAfterMs, stall }: RoleClaim): Promise<ClaimedRole> {
    type Row = Omit<RoleTerm, 'role'> & Pick<ClaimedRole, 'workedAt'>;
    const { term: knownTerm, sinceMs, stalledMs, isWhy } = stall ?? NO_STALL;
    const excusedMs = isWhy ? stalledMs : 0;
    const [row] = await query<Row>(em, CLAIM, [
      role,
      holder,
      lastsMs,
      awayAfterMs,
      knownTerm,
      sinceMs,
      stalledMs,
      excusedMs,
    ]);
    const { workedAt, ...term } = row!;
    return { term: { role, ...term }, workedAt };
  }

  /** Gives a role back, so that other nodes need not wait for the end of the claim. */
  async release(em: EntityManager, { role, holder, term }: RoleTerm): Promise<void> {
    await query(em, RELEASE, [role, holder, term]);
  }

  /** Whether a term lasts; if so, it lasts at least until this transaction ends. */
  async holds(em: EntityManager, { role, holder, term }: RoleTerm): Promise<boolean> {
    return (await query(em, HOLDS, [role, holder, term])).length > 0;
  }

  /** Records that the holder has just done its work. */
  async noteWork(em: EntityManager, { role, holder, term }: RoleTerm): Promise<void> {
    await query(em, NOTE_WORK, [role, holder, term]);
  }

  async find(em: EntityManager, role: string): Promise<RoleRecord | undefined> {
    const [row] = await query<RoleRecord>(em, FIND, [role]);
    return row;
  }
}
