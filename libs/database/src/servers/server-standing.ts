import { type TargetSession } from '@coordination/config';
import { type ClientBase } from 'pg';

/** PostgreSQL: read_only_sql_transaction. */
export const READ_ONLY_STATE = '25006';

/** What is known of whether a server takes writes; undefined: it has not said. */
export interface Standing {
  readonly isInRecovery?: boolean | undefined;
  readonly isReadOnly?: boolean | undefined;
}

/** A server, or a role there, that takes no writes, where one was asked for that does. */
export class UnfitServerError extends Error {
  override readonly name = 'UnfitServerError';
  readonly code = READ_ONLY_STATE;
}

/** Parameters that PostgreSQL reports as a session begins, and when they change (since version 14). */
const REPORTED: Readonly<Record<string, keyof Standing>> = {
  in_hot_standby: 'isInRecovery',
  default_transaction_read_only: 'isReadOnly',
};

/** What is known after a server has reported a parameter. */
export function afterReport(known: Standing, parameter: string, value: string): Standing {
  const told = REPORTED[parameter];
  return told === undefined ? known : { ...known, [told]: value === 'on' };
}

/** Whether all that a session asks of its server is known. */
export const isKnown = (session: TargetSession, { isInRecovery, isReadOnly }: Standing): boolean =>
  session === 'any' || (isInRecovery !== undefined && (session === 'primary' || isReadOnly !== undefined));

/** Why a server will not do; undefined where nothing speaks against it. */
export function unfitness(session: TargetSession, { isInRecovery, isReadOnly }: Standing): string | undefined {
  if (session === 'any') return undefined;
  if (isInRecovery) return `it is a standby, and target_session_attrs is ${session}`;
  if (isReadOnly && session === 'read-write') {
    return 'its transactions are read-only by default (default_transaction_read_only), and target_session_attrs is read-write';
  }
  return undefined;
}

/** Asks the server: a pooler may report neither. */
export async function askStanding(client: ClientBase, timeoutMs: number | undefined): Promise<Standing> {
  const asked = {
    text: `select pg_is_in_recovery() as "isInRecovery", current_setting('default_transaction_read_only') = 'on' as "isReadOnly"`,
    query_timeout: timeoutMs,
  };
  const { rows } = await client.query<Standing>(asked);
  return rows[0] ?? {};
}
