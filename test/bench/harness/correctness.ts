import { type Api } from '../../support/http/api.js';
import { type LoadResult } from '../load/load-job.js';
import { ask } from './bench-postgres.js';

/** Fails unless every answer had one of these statuses, and none was missing. */
export function expectOnly({ statuses, failures }: LoadResult, ...allowed: number[]): void {
  const others = Object.entries(statuses).filter(([status]) => !allowed.includes(Number(status)));
  if (failures > 0 || others.length > 0) {
    throw new Error(
      `The load met ${failures} failures and other answers: ${JSON.stringify(Object.fromEntries(others))}`,
    );
  }
}

/**
 * Fails unless the database has what was acknowledged: each acknowledged change is one event, and what is more was in
 * flight when the load ended.
 * @param perRequest changes of a request
 */
export async function expectRecorded(
  databaseUrl: string,
  { statuses, sent }: LoadResult,
  {
    status,
    perRequest,
    before = 0,
  }: { readonly status: number; readonly perRequest: number; readonly before?: number },
): Promise<void> {
  const [row] = await ask<{ events: number; revision: number }>(
    databaseUrl,
    'select (select count(*) from service_event)::int as events, (select revision from catalog_head)::int as revision',
  );
  const { events, revision } = row!;
  const acknowledged = (statuses[status] ?? 0) * perRequest;
  const made = events - before;
  if (made < acknowledged || made > sent * perRequest) {
    throw new Error(
      `${acknowledged} changes were acknowledged, ${sent * perRequest} sent, and ${made} are in the log.`,
    );
  }
  if (revision !== events) throw new Error(`The head is at revision ${revision}, with ${events} events.`);
}

/** How many of the newest events are hashed again where the whole log would take too long. */
const VERIFIED_EVENTS = 20_000;

/** Fails unless the hash chain verifies. */
export async function expectChainValid(api: Api): Promise<void> {
  const { revision } = await api.ok<{ revision: number }>('GET', '/api/v1/audit/head');
  const from = Math.max(1, revision - VERIFIED_EVENTS);
  const verdict = await api.ok<{ valid: boolean }>('GET', `/api/v1/audit/verify?from=${from}`);
  if (!verdict.valid) throw new Error(`The chain does not verify: ${JSON.stringify(verdict)}`);
}
