import { describe, expect, it } from 'vitest';
import { editDistance, likeliestName } from './likeliest-name.js';

describe('editDistance', () => {
  it.each([
    ['', '', 0],
    ['', 'abc', 3],
    ['abc', '', 3],
    ['abc', 'abc', 0],
    ['abc', 'abd', 1],
    ['abc', 'ab', 1],
    ['abc', 'xabc', 1],
    ['abc', 'acb', 2],
    ['kitten', 'sitting', 3],
    ['DATABASE_PORT', 'DATABASE_URL', 3],
  ])('of %s and %s: %i', (from, to, apart) => {
    expect(editDistance(from, to)).toBe(apart);
    expect(editDistance(to, from)).toBe(apart);
  });
});

describe('likeliestName', () => {
  it('is the nearest one, within what is allowed', () => {
    const names = ['FIRST_NAME', 'LAST_NAME', 'LAST_GAME'];
    expect(likeliestName('LAST_NAM', names, 2)).toBe('LAST_NAME');
    expect(likeliestName('LAST_GAMES', names, 2)).toBe('LAST_GAME');
    expect(likeliestName('SOMETHING', names, 2)).toBeUndefined();
    expect(likeliestName('LAST_NAME', [], 2)).toBeUndefined();
  });
});
