import { Migration20261123000000 } from './migration-20261123000000-catalog.js';
import { Migration20261124000100 } from './migration-20261124000100-catalog-past.js';
import { Migration20261125000200 } from './migration-20261125000200-epochs.js';
import { Migration20261125000300 } from './migration-20261125000300-idempotency.js';
import { Migration20261125000400 } from './migration-20261125000400-liveness.js';
import { Migration20261126000500 } from './migration-20261126000500-retention.js';
import { Migration20261127000600 } from './migration-20261127000600-incarnations.js';
import { Migration20261127000700 } from './migration-20261127000700-empty-services.js';
import { Migration20261128000800 } from './migration-20261128000800-stalls.js';
import { Migration20261128000900 } from './migration-20261128000900-probe-guard.js';
import { Migration20261128001000 } from './migration-20261128001000-search-indexes.js';
import { SERVICE_PRIVILEGES } from './service-privileges.js';

export { NOT_FOR_THE_SERVICE, SERVICE_PRIVILEGES, type TablePrivilege } from './service-privileges.js';

/** All migrations in their order; listed by hand, since a built service has no files to look for. */
export const MIGRATIONS = [
  { name: '20261123000000-catalog', class: Migration20261123000000 },
  { name: '20261124000100-catalog-past', class: Migration20261124000100 },
  { name: '20261125000200-epochs', class: Migration20261125000200 },
  { name: '20261125000300-idempotency', class: Migration20261125000300 },
  { name: '20261125000400-liveness', class: Migration20261125000400 },
  { name: '20261126000500-retention', class: Migration20261126000500 },
  { name: '20261127000600-incarnations', class: Migration20261127000600 },
  { name: '20261127000700-empty-services', class: Migration20261127000700 },
  { name: '20261128000800-stalls', class: Migration20261128000800 },
  { name: '20261128000900-probe-guard', class: Migration20261128000900 },
  { name: '20261128001000-search-indexes', class: Migration20261128001000 },
];

/** The schema that this version of the service needs. */
export const SCHEMA = { migrations: MIGRATIONS, privileges: SERVICE_PRIVILEGES };
