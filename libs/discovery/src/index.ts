export { CatalogFollower, type FollowerParts } from './view/catalog-follower.js';
export { CatalogLoader } from './view/catalog-loader.js';
export { type NamespaceEntry, type ServiceEntry } from './view/catalog-state.js';
export {
  CatalogView,
  type ApplyOutcome,
  type CatalogEvent,
  type CatalogSnapshot,
  type CatalogViewOptions,
  type Freshness,
  type ViewHead,
} from './view/catalog-view.js';
export { LocalMirror } from './view/local-mirror.js';
export { LogReader, type LogPage } from './view/log-reader.js';
export { DiscoveryModule } from './discovery.module.js';
export { DiscoveryService, type Found, type SearchFound } from './discovery.service.js';
