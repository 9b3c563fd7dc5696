import { type EventFilter } from './event-filter.js';

/** The name that an instance gave itself, and where. */
export interface InstanceName {
  readonly namespace: string;
  readonly service: string;
  readonly instanceId: string;
}

/** Names one instance by its `id` (a UUID), or all instances that ever had a name. */
export type InstanceRef = { readonly id: string } | { readonly name: InstanceName };

/** Selects the events of the instances. */
export const eventsOfInstance = (ref: InstanceRef): EventFilter => ('id' in ref ? { instance: ref.id } : ref.name);

/** Text of a reference, for messages. */
export const describeInstance = (ref: InstanceRef): string =>
  'id' in ref ? `id ${ref.id}` : `${ref.name.namespace}/${ref.name.service}/${ref.name.instanceId}`;
