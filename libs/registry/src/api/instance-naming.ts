import { z } from 'zod';
import {
  DEFAULT_NAMESPACE,
  EXAMPLE_ID,
  NAME_EXAMPLE,
  SPARE_EXAMPLE_ID,
  SPARE_NAME_EXAMPLE,
} from '@coordination/catalog';
import { type InstanceNaming } from './instance-routes.js';
import {
  type IdParams,
  idParams,
  incarnationQuery,
  type NameParams,
  nameParams,
  type NamespaceQuery,
  namespaceQuery,
} from '../requests/registry.schemas.js';

/** By the server's id, which says everything. */
export const BY_ID: InstanceNaming<IdParams, object> = {
  params: idParams,
  query: z.strictObject({}),
  callerQuery: z.strictObject(incarnationQuery),
  target: ({ id }) => ({ id }),
  suffix: '',
  by: '',
  example: { id: EXAMPLE_ID },
  spareExample: { id: SPARE_EXAMPLE_ID },
};

/** By the caller's own name: what a restarted service or a preStop hook has at hand. */
export const BY_NAME: InstanceNaming<NameParams, NamespaceQuery> = {
  params: nameParams,
  query: namespaceQuery,
  callerQuery: namespaceQuery.extend(incarnationQuery),
  target: (name, { namespace = DEFAULT_NAMESPACE }) => ({ identity: { namespace, ...name } }),
  suffix: 'ByName',
  by: ' by its own name',
  example: NAME_EXAMPLE,
  spareExample: SPARE_NAME_EXAMPLE,
};
