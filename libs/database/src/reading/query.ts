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

/** The answer to a statement that commits by itself got lost: nobody knows whether it had its effect. The cause tells how. */
export class DoubtfulCommitError extends Error {
  override readonly name = 'DoubtfulCommitError';
}

/**
 * Runs one statement that changes something and commits by itself, outside any transaction.
 * @throws DoubtfulCommitError when it was sent, and the server has not said that it failed; with any other error it had no
 * effect
 */
export async function autocommit<Row>(em: EntityManager, text: string, parameters: readonly unknown[]): Promise<Row[]> {
  let isSent = false;
  try {
    return await em
      .getKysely()
      .connection()
      .execute(async connection => {
        isSent = true;
        return (await connection.executeQuery<Row>(CompiledQuery.raw(text, [...parameters]))).rows;
      });
  } catch (error) {
    if (isSent && !isRefused(error))
      throw new DoubtfulCommitError('The answer to a commit got lost.', { cause: error });
    throw error;
  }
}

/** What a server says of a statement that it did not carry out: in any language where it blames the values or the schema. */
const SURELY_REFUSED = /^(?:22|23|42)...$/;

/** States that leave open whether the statement was carried out. PostgreSQL has no use for them; some that speak as it do. */
const UNDECIDED = new Set(['08007', '40003']);

/**
 * Whether the server has said that a statement failed. One that speaks another language than English says how severe it
 * is in that, and is only asked once more what happened.
 */
function isRefused(error: unknown): boolean {
  const { severity, code } = error as { readonly severity?: unknown; readonly code?: unknown };
  if (typeof code !== 'string' || UNDECIDED.has(code)) return false;
  return severity === 'ERROR' || (severity !== undefined && SURELY_REFUSED.test(code));
}

/** SQL for a timestamptz as RFC 3339 in UTC with milliseconds, which is how times travel in the whole service. */
export const isoTime = (expression: string): string =>
  `to_char(${expression} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
