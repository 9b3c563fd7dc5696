// What tests outside the catalog need of its inside: imported as `@coordination/catalog/testing`, and by tests only.
export { ConfirmationWait } from './epochs/confirmation-wait.js';
export { EpochManager } from './epochs/epoch-manager.js';
export { raiseServiceRevisions } from './epochs/service-revisions.js';
export { CatalogFollower } from './follow/catalog-follower.js';
export { CatalogLoader } from './follow/catalog-loader.js';
export { LogReader } from './follow/log-reader.js';
export { ViewUpdater } from './follow/view-updater.js';
export { MAX_ENDED } from './model/incarnation.js';
export { HEALTH_DECIDERS, HEALTH_STATES, INITIAL_STATES, OVERRIDE_SCOPES } from './model/instance.js';
export { afterEvent } from './tables/normalize-record.js';
export { CatalogState } from './view/catalog-state.js';
export { type EmptyServicesDropped, emptyServicesDroppedBy } from './view/empty-services-dropped.js';
