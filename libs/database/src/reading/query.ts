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

/** The answer to a statement that commits by itself was lost, so it is unknown whether it took effect. The cause is the error of the connection. */
export class DoubtfulCommitError extends Error {
  override readonly name = 'DoubtfulCommitError';
}

/**
 * Runs one statement that changes something and commits by itself, outside any transaction.
 * @throws DoubtfulCommitError when it was sent, and the server has not reported that it failed; after any other error it
 * had no effect
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

/** SQLSTATE classes of statements that were not carried out: data, constraint and syntax errors, in every language of the server. */
const SURELY_REFUSED = /^(?:22|23|42)...$/;

/** States that leave open whether the statement was carried out. PostgreSQL does not use them; servers that imitate it do. */
const UNDECIDED = new Set(['08007', '40003']);

/**
 * Whether the server has reported that a statement failed. A server with another language than English translates the
 * severity; then the outcome is looked up, which costs one more request.
 */
function isRefused(error: unknown): boolean {
  const { severity, code } = error as { readonly severity?: unknown; readonly code?: unknown };
  if (typeof code !== 'string' || UNDECIDED.has(code)) return false;
  return severity === 'ERROR' || (severity !== undefined && SURELY_REFUSED.test(code));
}

/** SQL for a timestamptz as RFC 3339 in UTC with milliseconds, which is how times travel in the whole service. */
export const isoTime = (expression: string): string =>
  `to_char(${expression} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
