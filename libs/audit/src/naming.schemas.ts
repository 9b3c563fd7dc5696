import { z } from 'zod';

/** Where names are looked up that come without a namespace. */
export const DEFAULT_NAMESPACE = 'default';

const NAMESPACE = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const NAMESPACE_OR_ALL = /^(?:\*|[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)$/;
const SERVICE = /^[a-z0-9]([a-z0-9._-]{0,98}[a-z0-9])?$/;
const INSTANCE_ID = /^([A-Za-z0-9._:@-]{1,200}|\[[0-9a-f:.]{2,45}\]:\d{1,5})$/;

export const namespaceName = z.string().regex(NAMESPACE, 'must be a namespace');
export const namespaceOrAll = z.string().regex(NAMESPACE_OR_ALL, 'must be a namespace, or * for all');

/** Upper case is lowered, as it is where services are registered. */
export const serviceName = z
  .string()
  .transform(value => value.toLowerCase())
  .pipe(z.string().regex(SERVICE, 'must be the name of a service'));

export const instanceName = z.string().regex(INSTANCE_ID, 'must be 1 to 200 of letters, digits, . _ : @ -');

export const instanceUuid = z.uuid('must be the UUID of an instance').transform(value => value.toLowerCase());
