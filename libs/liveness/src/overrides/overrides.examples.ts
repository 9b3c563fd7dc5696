import { INSTANCE_EXAMPLE } from '@coordination/catalog';

const { id, namespace, service, instanceId, version } = INSTANCE_EXAMPLE;
const one = { id, namespace, service, instanceId };

export const SELECTOR_EXAMPLE = { namespace: 'default', service: 'orders', zone: 'eu-1a' };

export const OVERRIDE_MANY_EXAMPLE = {
  selector: SELECTOR_EXAMPLE,
  status: 'maintenance',
  scope: 'instance',
  reason: 'the rack gets new switches',
};

export const MANY_CHANGED_EXAMPLE = {
  revision: 1850,
  matched: 1,
  changed: 1,
  unchanged: 0,
  instances: [{ ...one, status: 'maintenance', version: version + 1 }],
};

export const MANY_CLEARED_EXAMPLE = {
  revision: 1851,
  matched: 1,
  changed: 1,
  unchanged: 0,
  instances: [{ ...one, status: 'healthy', version: version + 2 }],
};
