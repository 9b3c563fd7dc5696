import { queryInteger } from '@coordination/http';
import { instanceView } from '@coordination/catalog';
import { z } from 'zod';
import { selectingQuery } from '../api/discovery.schemas.js';
import { toSelection } from '../filter/selection.schemas.js';
import { type Selection } from '../selection/selection.js';
import { STRATEGIES, type ResolveRequest } from './eligible-instances.js';

const PERCENT = 100;

/** A zone with fewer fit instances sends calls elsewhere; about Envoy's, whose factor of 140 % means 71.4. */
const DEFAULT_ZONE_THRESHOLD = 70;

const NO_PANIC = 0;

export const resolveQuery = selectingQuery.extend({
  strategy: z
    .enum(STRATEGIES)
    .default('weighted')
    .describe(
      '`weighted`: at random, as often as the weights say. `random`: all alike. `round_robin`: in turn, each node for itself.',
    ),
  zone: selectingQuery.shape.zone.describe(
    'Where the instance should be, as long as the zone has enough of them; a preference, not a filter.',
  ),
  zoneThreshold: queryInteger(0, PERCENT)
    .default(DEFAULT_ZONE_THRESHOLD)
    .describe(
      'Which percentage of the zone must be fit for all calls to stay there; below it a proportional part goes elsewhere. 0: calls stay while there is anybody.',
    ),
  panicThreshold: queryInteger(0, PERCENT)
    .default(NO_PANIC)
    .describe(
      'Below which percentage of healthy and degraded instances health and zone are disregarded, rather than overloading the few; what an operator holds back stays out. 0: never.',
    ),
});
export type ResolveQuery = z.output<typeof resolveQuery>;

/**
 * Which instance a request wants.
 * @throws InvalidFilterError
 */
export function toWanted(query: ResolveQuery, defaultStatuses: Selection['statuses']): ResolveRequest {
  const { strategy, zone, zoneThreshold, panicThreshold, namespace: _, ...filters } = query;
  const selection = toSelection(filters, defaultStatuses);
  return { selection, strategy, zone: zone ?? null, zoneThreshold, panicThreshold };
}

export const resolvedInstance = z
  .looseObject({
    url: z.string().describe('`scheme://host:port`, an IPv6 address in brackets.'),
    instance: instanceView,
  })
  .meta({ id: 'ResolvedInstance' });
