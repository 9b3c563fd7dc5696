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
    // A server that speaks another language says it in that, and is only asked once more what happened.
    const isRefused = (error as { readonly severity?: unknown }).severity === 'ERROR';
    if (isSent && !isRefused) throw new DoubtfulCommitError('The answer to a commit got lost.', { cause: error });
    throw error;
  }
}

/** SQL for a timestamptz as RFC 3339 in UTC with milliseconds, which is how times travel in the whole service. */
export const isoTime = (expression: string): string =>
  `to_char(${expression} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
