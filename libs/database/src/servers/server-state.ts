import { type TargetSession } from '@coordination/config';
import { type ClientBase } from 'pg';

/** PostgreSQL: read_only_sql_transaction. */
export const READ_ONLY_STATE = '25006';

/** Whether a server accepts writes, as far as it is known; undefined: it has not been reported. */
export interface ServerState {
  readonly isInRecovery?: boolean | undefined;
  readonly isReadOnly?: boolean | undefined;
}

/** A server, or a role there, that accepts no writes, where the URL asks for one that does. */
export class UnfitServerError extends Error {
  override readonly name = 'UnfitServerError';
  readonly code = READ_ONLY_STATE;
}

/** Parameters that PostgreSQL reports as a session begins, and when they change (since version 14). */
const REPORTED: Readonly<Record<string, keyof ServerState>> = {
  in_hot_standby: 'isInRecovery',
  default_transaction_read_only: 'isReadOnly',
};

/** What is known after a server has reported a parameter. */
export function afterReport(known: ServerState, parameter: string, value: string): ServerState {
  const property = REPORTED[parameter];
  return property === undefined ? known : { ...known, [property]: value === 'on' };
}

/** Whether everything is known that a session requires of its server. */
export const isKnown = (session: TargetSession, { isInRecovery, isReadOnly }: ServerState): boolean =>
  session === 'any' || (isInRecovery !== undefined && (session === 'primary' || isReadOnly !== undefined));

/** Why a server cannot be used; undefined: it can. */
export function unfitness(session: TargetSession, { isInRecovery, isReadOnly }: ServerState): string | undefined {
  if (session === 'any') return undefined;
  if (isInRecovery) return `it is a standby, and target_session_attrs is ${session}`;
  if (isReadOnly && session === 'read-write') {
    return 'its transactions are read-only by default (default_transaction_read_only), and target_session_attrs is read-write';
  }
  return undefined;
}

/** Queries the server: a pooler may report neither parameter. */
export async function queryServerState(client: ClientBase, timeoutMs: number | undefined): Promise<ServerState> {
  const asked = {
    text: `select pg_is_in_recovery() as "isInRecovery", current_setting('default_transaction_read_only') = 'on' as "isReadOnly"`,
    query_timeout: timeoutMs,
  };
  const { rows } = await client.query<ServerState>(asked);
  return rows[0] ?? {};
}
