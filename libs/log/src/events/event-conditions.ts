import { type EventFilter } from './event-filter.js';

/** What a filter asks of each event by itself, each with what PostgreSQL is to look at; `$` stands for the parameter. */
const CONDITIONS = {
  namespace: 'namespace = $',
  service: 'service = $',
  instanceId: 'instance_id = $',
  instance: 'instance_uuid = $',
  action: 'action = any($::text[])',
  actor: 'actor = $',
  source: 'source = $',
  requestId: 'request_id = $',
  batchId: 'batch_id = $',
  // By the collation "C" upper and lower case are those of ASCII, whatever the database was created with.
  reason: 'strpos(lower(reason collate "C"), lower($::text collate "C")) > 0',
} as const satisfies Partial<Record<keyof EventFilter, string>>;

type Conditioned = keyof typeof CONDITIONS;

/** Filters that are asked of each event; the address of a client is compared in memory. */
const OF_EVENTS = [...(Object.keys(CONDITIONS) as Conditioned[]), 'clientAddress'] as const;
export type Asked = (typeof OF_EVENTS)[number];

/** What a filter asks that is neither a revision nor a time. */
export const askedOf = (filter: EventFilter): readonly Asked[] => OF_EVENTS.filter(name => filter[name] !== undefined);

/** The SQL of what a filter asks of each event, but for the address of the client; its values join the parameters. */
export function conditionsOf(filter: EventFilter, parameters: unknown[]): string[] {
  const conditions: string[] = [];
  for (const [name, condition] of Object.entries(CONDITIONS)) {
    const value = filter[name as Conditioned];
    if (value === undefined) continue;
    parameters.push(value);
    conditions.push(condition.replace('$', () => `$${parameters.length}`));
  }
  return conditions;
}
