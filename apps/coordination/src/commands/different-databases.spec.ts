import { describe, expect, it } from 'vitest';
import { readSettings } from '@coordination/config';
import { differentDatabases } from './different-databases.js';

const DATABASE_URL = 'postgres://app@pooler:6432/coordination';

describe('differentDatabases', () => {
  it('accepts another host, port or role', () => {
    expect(differentDatabases(readSettings({ DATABASE_URL }))).toEqual([]);
    const others = {
      DATABASE_MIGRATION_URL: 'postgres://owner@db:5432/coordination',
      DATABASE_LISTEN_URL: DATABASE_URL,
    };
    expect(differentDatabases(readSettings({ DATABASE_URL, ...others }))).toEqual([]);
    expect(differentDatabases(readSettings({ DATABASE_MIGRATION_URL: DATABASE_URL }))).toEqual([]);
  });

  it.each(['DATABASE_MIGRATION_URL', 'DATABASE_MAINTENANCE_URL', 'DATABASE_LISTEN_URL'])('names %s', name => {
    const [line, ...rest] = differentDatabases(readSettings({ DATABASE_URL, [name]: 'postgres://a:secret@db/other' }));
    expect(line).toMatch(new RegExp(`^${name} names the database other, DATABASE_URL names coordination`));
    expect(line).not.toContain('secret');
    expect(rest).toEqual([]);
  });
});
