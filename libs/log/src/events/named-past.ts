import { type EventFilter } from './event-filter.js';

/** The name that an instance gave itself, and where. */
export interface InstanceName {
  readonly namespace: string;
  readonly service: string;
  readonly instanceId: string;
}

/** Whose past is asked for: that of one instance by its UUID, or that of all instances that ever had a name. */
export type NamedPast = { readonly id: string } | { readonly name: InstanceName };

/** The events of a past. */
export const eventsOfPast = (past: NamedPast): EventFilter => ('id' in past ? { instance: past.id } : past.name);

/** How callers named it. */
export const describePast = (past: NamedPast): string =>
  'id' in past ? `id ${past.id}` : `${past.name.namespace}/${past.name.service}/${past.name.instanceId}`;
