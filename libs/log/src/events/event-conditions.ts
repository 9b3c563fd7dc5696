import { type EventFilter } from './event-filter.js';

/** Conditions on single events, in SQL; `$` stands for the parameter. */
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
  // The collation "C" changes the case of ASCII letters only, whatever collation the database has.
  reason: 'strpos(lower(reason collate "C"), lower($::text collate "C")) > 0',
} as const satisfies Partial<Record<keyof EventFilter, string>>;

type SqlCondition = keyof typeof CONDITIONS;

/** All conditions on single events. The address of the client is compared in memory. */
const EVENT_CONDITIONS = [...(Object.keys(CONDITIONS) as SqlCondition[]), 'clientAddress'] as const;
export type EventCondition = (typeof EVENT_CONDITIONS)[number];

/** The conditions of a filter other than bounds on revision and time. */
export const conditionsOf = (filter: EventFilter): readonly EventCondition[] =>
  EVENT_CONDITIONS.filter(name => filter[name] !== undefined);

/** SQL of the conditions, except that on the address of the client. Appends their values to the parameters. */
export function sqlConditions(filter: EventFilter, parameters: unknown[]): string[] {
  const conditions: string[] = [];
  for (const [name, condition] of Object.entries(CONDITIONS)) {
    const value = filter[name as SqlCondition];
    if (value === undefined) continue;
    parameters.push(value);
    conditions.push(condition.replace('$', () => `$${parameters.length}`));
  }
  return conditions;
}
