import { CatalogView, type InstanceRecord } from '@coordination/catalog';
import { CatalogState } from '@coordination/catalog/testing';
import { systemClock } from '@coordination/kernel';
import { LogInMemory } from '../log/log-in-memory.js';

/** A view that has loaded an empty log, follows it, and remembers which instances there were at each revision. */
export function loggedView() {
  const log = new LogInMemory();
  const view = new CatalogView(systemClock, { stalenessLimitSeconds: 600 });
  /** Loads all of the log anew, as after an outage. */
  const load = () => {
    const state = new CatalogState();
    for (const record of log.instances.values()) state.put(record);
    view.replace({ head: log.head, state, sentAtMs: systemClock.monotonicMs() });
  };
  load();
  const states = new Map<number, readonly InstanceRecord[]>([[0, []]]);
  const apply = (event: Parameters<CatalogView['apply']>[0][number]) => {
    view.apply([event]);
    states.set(view.revision, [...log.instances.values()]);
  };
  return {
    log,
    view,
    load,
    states,
    put: (record: InstanceRecord) => apply(log.put(record)),
    remove: (id: string) => apply(log.remove(id)),
  };
}
