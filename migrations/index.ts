import { Migration20261123000000 } from './migration-20261123000000-catalog.js';
import { Migration20261124000100 } from './migration-20261124000100-catalog-past.js';

/** All migrations in their order; listed by hand, since a built service has no files to look for. */
export const MIGRATIONS = [
  { name: '20261123000000-catalog', class: Migration20261123000000 },
  { name: '20261124000100-catalog-past', class: Migration20261124000100 },
];
