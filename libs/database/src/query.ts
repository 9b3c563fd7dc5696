import { type EntityManager } from '@mikro-orm/postgresql';
import { CompiledQuery } from 'kysely';

/**
 * Runs one statement with bound parameters (`$1`, `$2`, …) in the entity manager's transaction, or on its own where
 * there is none. MikroORM's own `execute` writes the values into the text, which makes the server parse megabytes of
 * SQL for a large batch.
 */
export async function query<Row>(em: EntityManager, text: string, parameters: readonly unknown[] = []): Promise<Row[]> {
  const { rows } = await em.getKysely().executeQuery<Row>(CompiledQuery.raw(text, [...parameters]));
  return rows;
}

/** SQL for a timestamptz as RFC 3339 in UTC with milliseconds, which is how times travel in the whole service. */
export const isoTime = (expression: string): string =>
  `to_char(${expression} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
