export { ALL_NAMESPACES, anyNamespace } from './api/discovery.schemas.js';
export { DiscoveryModule } from './discovery.module.js';
export { DiscoveryService, type Found, type SearchFound } from './discovery.service.js';
export { FILTER_PARAMETERS, type FilterParameters, toSelection } from './filter/selection.schemas.js';
export { GuardNoticeSlot, type GuardNotices } from './responses/guard-notice.js';
export { InstancePicker, type PickQuestion, type Picked } from './search/instance-picker.js';
export { type Selection, isEverything } from './selection/selection.js';
