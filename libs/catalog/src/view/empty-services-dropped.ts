import { type LogEvent } from '@coordination/log';
import { type ServiceTouch } from '../model/service-touch.js';

const ACTION = 'catalog.empty_services_dropped' as const;

/** The `after` of an event that drops services. */
export interface EmptyServicesDropped {
  /**
   * The last dropped service, with the revision that touched it last. The event drops all services without instances up to
   * this one, sorted by that revision and then by namespace and service. So the event is small, and means the same on every
   * node that has the log up to it.
   */
  readonly upTo: ServiceTouch;
}

/** The part of the event that defines which services are dropped. */
export const toEmptyServicesDropped = ({ namespace, service, revision }: ServiceTouch) => ({
  action: ACTION,
  before: null,
  after: { upTo: { namespace, service, revision } } satisfies EmptyServicesDropped,
});

/** The services that an event drops; undefined: none. */
export const emptyServicesDroppedBy = ({
  action,
  after,
}: Pick<LogEvent, 'action' | 'after'>): EmptyServicesDropped | undefined =>
  action === ACTION ? (after as EmptyServicesDropped) : undefined;
