import { describe, expect, it } from 'vitest';
import { appRoleOf } from './app-role.js';

describe('What the settings tell of the role of the service', () => {
  const OWNER = 'postgres://owner:a@db/c';
  it.each([
    ['nothing', {}, {}],
    ['nothing where one URL is for all', { DATABASE_URL: OWNER }, {}],
    [
      'nothing where both URLs have one user',
      { DATABASE_URL: OWNER, DATABASE_MIGRATION_URL: 'postgres://owner:b@direct/c' },
      {},
    ],
    [
      'the user of the URL',
      { DATABASE_URL: 'postgres://a%20b@db/c', DATABASE_MIGRATION_URL: OWNER },
      { serviceUser: 'a b' },
    ],
    [
      'the user of its query',
      { DATABASE_URL: 'postgres://db/c?user=app', DATABASE_MIGRATION_URL: OWNER },
      { serviceUser: 'app' },
    ],
    [
      'the name before all',
      { DATABASE_APP_ROLE: 'named', DATABASE_URL: 'postgres://app@db/c', DATABASE_MIGRATION_URL: OWNER },
      { named: 'named' },
    ],
  ])('%s', (_what, settings, expected) => {
    const none = { DATABASE_APP_ROLE: undefined, DATABASE_URL: undefined, DATABASE_MIGRATION_URL: undefined };
    expect(appRoleOf({ ...none, ...settings })).toEqual(expected);
  });
});
