import { type LogEvent } from '@coordination/log';
import { type ServiceTouch } from '../model/service-touch.js';

const ACTION = 'catalog.empty_services_dropped' as const;

/** What an event that drops services says in `after`. */
export interface EmptyServicesDropped {
  /**
   * The last one of them, with the revision that touched it last. All services without instances are dropped that come no
   * later, by that revision and then by namespace and service. So the event is small, and says the same to whoever has the log
   * up to it.
   */
  readonly upTo: ServiceTouch;
}

/** The part of an occurrence that says which services are dropped. */
export const toEmptyServicesDropped = ({ namespace, service, revision }: ServiceTouch) => ({
  action: ACTION,
  before: null,
  after: { upTo: { namespace, service, revision } } satisfies EmptyServicesDropped,
});

/** What an event says of the services that it drops; undefined: it drops none. */
export const emptyServicesDroppedBy = ({
  action,
  after,
}: Pick<LogEvent, 'action' | 'after'>): EmptyServicesDropped | undefined =>
  action === ACTION ? (after as EmptyServicesDropped) : undefined;
