import { INSTANCE_EXAMPLE } from '@coordination/catalog';

const COUNTS = {
  total: 1,
  healthy: 1,
  degraded: 0,
  unhealthy: 0,
  unknown: 0,
  starting: 0,
  stopping: 0,
  stopped: 0,
  maintenance: 0,
};

export const NAMESPACES_EXAMPLE = {
  revision: 1841,
  namespaces: [{ namespace: 'default', services: 1, instances: 1 }],
};

export const SERVICES_EXAMPLE = {
  revision: 1841,
  services: [
    {
      service: 'orders',
      types: ['api'],
      instances: COUNTS,
      versions: ['2.4.1'],
      zones: ['eu-1a'],
      tags: ['team=checkout'],
    },
  ],
};

export const SERVICE_INSTANCES_EXAMPLE = {
  service: 'orders',
  revision: 1841,
  counts: COUNTS,
  instances: [INSTANCE_EXAMPLE],
};

export const SEARCH_EXAMPLE = { revision: 1841, items: [INSTANCE_EXAMPLE], nextCursor: null };

/** Parameters of a search that finds the example. */
export const SEARCH_PARAMETERS_EXAMPLE = { environment: 'prod', appVersion: '^2.0.0', sort: 'service', limit: 100 };
