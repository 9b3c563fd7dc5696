import { Injectable } from '@nestjs/common';
import { query } from '@coordination/database';
import { type EntityManager } from '@mikro-orm/postgresql';
import { type LogPartition } from './log-partition.js';

/** The bounds come from the catalogs of PostgreSQL, not from the names of the tables. */
const PARTITIONS = `
  select c.relname as name, (bounds.ends)[1]::float8 as "from", (bounds.ends)[2]::float8 as before,
    i.inhdetachpending as "isDetaching"
  from pg_inherits i
  join pg_class c on c.oid = i.inhrelid
  cross join lateral regexp_match(
    pg_get_expr(c.relpartbound, c.oid), $$FROM \\('?(\\d+)'?\\) TO \\('?(\\d+)'?\\)$$) as bounds (ends)
  where i.inhparent = 'service_event'::regclass
  order by 2`;

/** Reads which partitions the log has. */
@Injectable()
export class LogPartitionRepository {
  /** All attached partitions, in the order of their revisions. */
  async list(em: EntityManager): Promise<LogPartition[]> {
    return await query<LogPartition>(em, PARTITIONS);
  }
}
