import { z } from 'zod';

/** Where names are looked up that come without a namespace. */
export const DEFAULT_NAMESPACE = 'default';

const NAMESPACE = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const NAMESPACE_OR_ALL = /^(\*|[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)$/;
const SERVICE = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,98}[A-Za-z0-9])?$/;
const INSTANCE_ID = /^([A-Za-z0-9._:@-]{1,200}|\[[0-9a-f:.]{2,45}\]:[0-9]{1,5})$/;

export const namespaceName = z.string().regex(NAMESPACE, 'must be a namespace').meta({ minLength: 1, maxLength: 63 });
export const namespaceOrAll = z
  .string()
  .regex(NAMESPACE_OR_ALL, 'must be a namespace, or * for all')
  .meta({ minLength: 1, maxLength: 63 });

/** Upper case is lowered, as it is where services are registered. */
export const serviceName = z
  .string()
  .regex(SERVICE, 'must be the name of a service')
  .transform(value => value.toLowerCase())
  .meta({ minLength: 1, maxLength: 100 });

export const instanceName = z
  .string()
  .regex(INSTANCE_ID, 'must be 1 to 200 of letters, digits, . _ : @ -')
  .meta({ minLength: 1, maxLength: 200 });

export const instanceUuid = z.uuid('must be the UUID of an instance').transform(value => value.toLowerCase());
