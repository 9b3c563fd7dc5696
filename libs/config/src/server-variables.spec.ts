import { describe, expect, it } from 'vitest';
import { serverVariablesOf } from './index.js';

describe('serverVariablesOf', () => {
  it.each([
    ['PGHOST', 'db'],
    ['PGHOSTADDR', '10.0.0.1'],
    ['PGSERVICE', 'production'],
    ['PGDATABASE', 'coordination'],
    ['PGPASSWORD', 'x'],
    ['POSTGRES_URL', 'x'],
    ['POSTGRES_HOST', 'db'],
    ['POSTGRESQL_URI', 'x'],
    ['PG_URL', 'x'],
    ['PGURL', 'x'],
    ['DB_URL', 'x'],
    ['DB_HOST', 'db'],
    ['db_host', 'db'],
    ['DATABASE_HOST', 'db'],
    ['DATABASE_PRIVATE_URL', 'x'],
    ['SQLALCHEMY_DATABASE_URI', 'x'],
    ['PRIMARY', 'postgres://db/coordination'],
    ['PRIMARY', 'PostgreSQL://db/coordination'],
    ['SPRING_DATASOURCE_URL', 'jdbc:postgresql://db/coordination'],
    ['DATABASE_URL', 'postgres://db/coordination'],
    ['DATABASE_URL', ''],
    ['DATABASE_MIGRATION_URL', ''],
    ['DATABASE_MAINTENANCE_URL', 'postgres://db/coordination'],
  ])('finds %s=%s', (name, value) => {
    expect(serverVariablesOf({ PATH: '/bin', [name]: value })).toEqual([name]);
  });

  it.each([
    ['PGHOST', ''],
    ['PGAPPNAME', 'x'],
    ['DB_URL', ''],
    ['PATH', '/usr/lib/postgresql/bin'],
    ['HOST', '127.0.0.1'],
    ['DATABASE_SSL', 'verify'],
    ['DATABASE_SERVICE_HOST', '10.0.0.1'],
    ['POSTGRES_SERVICE_HOST', '10.0.0.1'],
    ['DATABASE_PORT', 'tcp://10.0.0.1:5432'],
    ['REDIS_URL', 'redis://cache'],
    ['npm_package_repository_url', 'https://example.com'],
  ])('does not mind %s=%s', (name, value) => {
    expect(serverVariablesOf({ [name]: value })).toEqual([]);
  });
});
