import { CatalogHead } from './head/catalog-head.entity.js';
import { CatalogBaseline } from './retention/catalog-baseline.entity.js';
import { LogCutRow } from './retention/log-cut.entity.js';
import { ServiceEvent } from './events/service-event.entity.js';

/** All tables of the log. */
export const LOG_ENTITIES = [CatalogHead, ServiceEvent, LogCutRow, CatalogBaseline];
