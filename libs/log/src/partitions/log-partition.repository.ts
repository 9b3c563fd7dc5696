import { query } from '@coordination/database';
import { type EntityManager } from '@mikro-orm/postgresql';
import { type LogPartition } from './log-partition.js';

/** Their bounds are read from the database itself, whatever they are called. */
const PARTITIONS = `
  select c.relname as name, (bounds.ends)[1]::float8 as "from", (bounds.ends)[2]::float8 as before,
    i.inhdetachpending as "isLeaving"
  from pg_inherits i
  join pg_class c on c.oid = i.inhrelid
  cross join lateral regexp_match(
    pg_get_expr(c.relpartbound, c.oid), $$FROM \\('?(\\d+)'?\\) TO \\('?(\\d+)'?\\)$$) as bounds (ends)
  where i.inhparent = 'service_event'::regclass
  order by 2`;

/** The partitions of the log, as they are. */
export class LogPartitionRepository {
  /** All that are attached, in their order. */
  async list(em: EntityManager): Promise<LogPartition[]> {
    return await query<LogPartition>(em, PARTITIONS);
  }
}
