import { describe, expect, it } from 'vitest';
import { errorText } from './error-text.js';

describe('errorText', () => {
  it.each<[unknown, string]>([
    [new Error('no route'), 'no route'],
    ['a text', 'a text'],
    [undefined, 'undefined'],
    [Object.create(null), 'an error without a message'],
  ])('of %o is %s', (thrown, text) => {
    expect(errorText(thrown)).toBe(text);
  });
});
