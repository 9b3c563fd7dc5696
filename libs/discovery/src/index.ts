export { type CatalogChange } from './changes/catalog-change.js';
export { ChangeFeed, type FeedFollower, type FeedScope } from './changes/change-feed.js';
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
export { ALL_NAMESPACES, anyNamespace } from './discovery.schemas.js';
export { DiscoveryModule } from './discovery.module.js';
export { DiscoveryService, type Found, type SearchFound } from './discovery.service.js';
export { ViewGate } from './freshness/view-gate.js';
export { GuardNoticeSlot, type GuardNotices } from './guard-notice.js';
export { InstancePicker, type Picked, type PickQuestion } from './instance-picker.js';
export { FILTER_PARAMETERS, toSelection, type FilterParameters } from './selection/selection.schemas.js';
export { isEverything, type Selection } from './selection/selection.js';
