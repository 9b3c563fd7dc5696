import { describe, expect, it } from 'vitest';
import { describePlace, placeOf } from './database-place.js';

describe('The place of a database', () => {
  it.each([
    ['postgres://role:secret@db.example:6432/coordination', 'coordination at db.example:6432, role role'],
    ['postgresql://role@db.example/coordination', 'coordination at db.example:5432, role role'],
    ['postgres://role@[fd00::1]:5432/coordination', 'coordination at [fd00::1]:5432, role role'],
    ['postgres:///coordination?host=/run/postgresql&user=role', 'coordination at /run/postgresql:5432, role role'],
    ['postgres://a%40b:s%3Acret@db/the%20catalog', 'the catalog at db:5432, role a@b'],
    ['postgres://role@db/x?sslmode=verify-full&sslrootcert=/no/such/file', 'x at db:5432, role role'],
  ])('%s is told as %s', (url, told) => {
    expect(describePlace(placeOf(url))).toBe(told);
  });

  it('is told without a password', () => {
    expect(describePlace(placeOf('postgres://role:secret@db/x?password=secret'))).not.toContain('secret');
  });
});
