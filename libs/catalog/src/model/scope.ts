/** A part of the catalog: everything, a namespace, a service, or the services of one name in all namespaces. */
export interface Scope {
  /** null: all namespaces. */
  readonly namespace: string | null;
  /** null: all services. */
  readonly service: string | null;
}

/** The whole catalog. */
export const EVERYWHERE: Scope = { namespace: null, service: null };

/** Whether an instance, a change or anything else that belongs to one service is in a scope. */
export const isInScope = (
  { namespace, service }: Scope,
  of: { readonly namespace: string; readonly service: string },
): boolean => (namespace === null || of.namespace === namespace) && (service === null || of.service === service);
