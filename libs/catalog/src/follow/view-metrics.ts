import { type Metrics } from '@coordination/observability';
import { type CatalogFollower } from './catalog-follower.js';
import { type CatalogView } from '../view/catalog-view.js';

/** What there is to tell of the view, for Prometheus; read when it is asked for. */
export function measureView(metrics: Metrics, view: CatalogView, follower: CatalogFollower): void {
  const gauge = (name: string, help: string, read: () => number) =>
    metrics.gauge({
      name,
      help,
      labelNames: [],
      collect() {
        this.set(read());
      },
    });
  gauge('view_loaded', '1 once the catalog is loaded into memory, 0 before.', () => (view.loaded ? 1 : 0));
  gauge('view_revision', 'Revision up to which the view has followed the log.', () => view.revision);
  gauge('view_lag_revisions', 'Revisions that the log is known to be ahead of the view.', () => follower.lag);
  gauge(
    'view_staleness_seconds',
    'Time since the view was last known to be current.',
    () => view.freshness().stalenessSeconds,
  );
  gauge('view_instances', 'Instances in the view.', () => view.size);
  gauge(
    'view_empty_services',
    'Services without instances whose revision is kept; see `PCS_EMPTY_SERVICES_MAX`.',
    () => view.emptyServices,
  );
  gauge('view_waiting', 'Callers that wait for the view to reach a revision.', () => view.waiting);
  gauge('catalog_epochs_begun', 'Epochs of the catalog that have begun after its first one.', () => view.epochsBegun);
  metrics.gauge({
    name: 'catalog_epoch_info',
    help: 'Always 1; the label names the epoch that the view is in.',
    labelNames: ['epoch'],
    collect() {
      this.reset();
      const { epoch } = view.freshness();
      if (epoch !== null) this.set({ epoch }, 1);
    },
  });
  let told = 0;
  metrics.counter({
    name: 'view_reloads_total',
    help: 'Times that the whole catalog was loaded again, because the history was not the one that was held.',
    labelNames: [],
    collect() {
      this.inc(follower.reloads - told);
      told = follower.reloads;
    },
  });
}
