import { queryInteger } from '@coordination/http';
import { instanceView } from '@coordination/catalog';
import { z } from 'zod';
import { selectingQuery } from '../api/discovery.schemas.js';
import { toSelection } from '../filter/selection.schemas.js';
import { type Selection } from '../selection/selection.js';
import { STRATEGIES, type ResolveRequest } from './eligible-instances.js';

const PERCENT = 100;

/** Calls leave a zone with a smaller percentage of fit instances; close to Envoy, whose factor of 140 % means 71.4. */
const DEFAULT_ZONE_THRESHOLD = 70;

const NO_PANIC = 0;

export const resolveQuery = selectingQuery.extend({
  strategy: z
    .enum(STRATEGIES)
    .default('weighted')
    .describe(
      '`weighted`: at random, in proportion to the weights. `random`: at random, all with the same probability. `round_robin`: in turn; each node keeps its own turn.',
    ),
  zone: selectingQuery.shape.zone.describe(
    'The preferred zone of the instance, as long as the zone has enough of them; not a filter.',
  ),
  zoneThreshold: queryInteger(0, PERCENT)
    .default(DEFAULT_ZONE_THRESHOLD)
    .describe(
      'The percentage of instances of the zone that must be fit for all calls to stay there; below it, a proportional part of the calls goes to other zones. 0: all calls stay while the zone has any instance.',
    ),
  panicThreshold: queryInteger(0, PERCENT)
    .default(NO_PANIC)
    .describe(
      'The percentage of healthy and degraded instances below which health and zone are ignored, so that the remaining ones are not overloaded; instances with an override stay excluded. 0: never.',
    ),
});
export type ResolveQuery = z.output<typeof resolveQuery>;

/**
 * Which instance a client requests.
 * @throws InvalidFilterError
 */
export function toResolveRequest(query: ResolveQuery, defaultStatuses: Selection['statuses']): ResolveRequest {
  const { strategy, zone, zoneThreshold, panicThreshold, namespace: _, ...filters } = query;
  const selection = toSelection(filters, defaultStatuses);
  return { selection, strategy, zone: zone ?? null, zoneThreshold, panicThreshold };
}

export const resolvedInstance = z
  .looseObject({
    url: z.string().describe('`scheme://host:port`; an IPv6 address is in brackets.'),
    instance: instanceView,
  })
  .meta({ id: 'ResolvedInstance' });
