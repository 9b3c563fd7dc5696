import { z } from 'zod';
import {
  DEFAULT_NAMESPACE,
  EXAMPLE_ID,
  NAME_EXAMPLE,
  SPARE_EXAMPLE_ID,
  SPARE_NAME_EXAMPLE,
} from '@coordination/catalog';
import { type Target } from '../domain/commands.js';
import {
  type IdParams,
  idParams,
  type IncarnationQuery,
  incarnationQuery,
  type NameParams,
  nameParams,
  type NamespaceQuery,
  namespaceQuery,
} from '../requests/registry.schemas.js';

/** How routes name their instance. Routes of one instance exist twice: {@link BY_ID} and {@link BY_NAME}. */
export interface InstanceNaming<P, Q> {
  readonly params: z.ZodType<P>;
  readonly query: z.ZodType<Q>;
  /** The query of calls that a process makes for itself, which may name its incarnation. */
  readonly callerQuery: z.ZodType<Q & IncarnationQuery>;
  readonly target: (params: P, query: Q) => Target;
  /** Added to operation ids, which must be unique. */
  readonly suffix: string;
  /** Added to summaries. */
  readonly by: string;
  /** Path parameters of the examples, and of the example that deregisters. */
  readonly example: Readonly<Record<string, string>>;
  readonly spareExample: Readonly<Record<string, string>>;
}

/** By the id of the server, which needs nothing else. */
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

/** By the caller's own name, for callers that do not have the id: a service that has restarted, or a preStop hook. */
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
