import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { toFieldErrors } from './validation-issues.js';

const schema = z.strictObject({
  text: z.string().min(1).max(3).optional(),
  number: z.number().min(1).max(5).optional(),
  whole: z.int().optional(),
  id: z.uuid().optional(),
  time: z.iso.datetime().optional(),
  other: z.base64().optional(),
  choice: z.enum(['a', 'b']).optional(),
  only: z.literal('x').optional(),
  list: z.array(z.string()).min(1).max(1).optional(),
  map: z.record(z.string(), z.string()).optional(),
  own: z.string().regex(/^a/, 'must begin with a').optional(),
  nested: z.strictObject({ 'a/b': z.string() }).optional(),
});

const errorsOf = (value: unknown) => {
  const result = schema.safeParse(value);
  return toFieldErrors(result.error?.issues ?? [], '/body');
};

describe('what callers are told of bad fields', () => {
  it.each([
    [{ text: '' }, '/body/text', 'must have at least 1 characters'],
    [{ text: 'four' }, '/body/text', 'must have at most 3 characters'],
    [{ text: 4 }, '/body/text', 'must be text'],
    [{ number: 0 }, '/body/number', 'must be at least 1'],
    [{ number: 6 }, '/body/number', 'must be at most 5'],
    [{ whole: 1.5 }, '/body/whole', 'must be a whole number'],
    [{ id: 'x' }, '/body/id', 'must be a UUID'],
    [{ time: 'noon' }, '/body/time', 'must be a time after RFC 3339, such as 2026-11-23T08:15:30Z'],
    [{ other: '*' }, '/body/other', 'must be of the form base64'],
    [{ choice: 'c' }, '/body/choice', 'must be one of a, b'],
    [{ choice: 'B' }, '/body/choice', 'must be one of a, b: did you mean b?'],
    [{ only: 'y' }, '/body/only', 'must be x'],
    [{ list: [] }, '/body/list', 'must have at least 1 entries'],
    [{ list: ['a', 'b'] }, '/body/list', 'must have at most 1 entries'],
    [{ map: { a: 1 } }, '/body/map/a', 'must be text'],
    [{ own: 'b' }, '/body/own', 'must begin with a'],
    [{ nested: {} }, '/body/nested/a~1b', 'is required'],
    [
      { unknown: 1 },
      '/body/unknown',
      'is not known here; known: text, number, whole, id, time, other, choice, only, list, map, own, nested',
    ],
    [{ nested: { 'a/b': '', 'a/c': '' } }, '/body/nested/a~1c', 'is not known here: did you mean a/b? Known: a/b'],
    [[], '/body', 'must be an object'],
  ])('%j: %s %s', (value, path, message) => {
    expect(errorsOf(value)).toEqual([{ path, message }]);
  });

  it('names at most a hundred fields, and says how many more there are', () => {
    const many = Object.fromEntries(Array.from({ length: 150 }, (_, n) => [`k${n}`, n]));
    const errors = errorsOf(many);
    expect(errors).toHaveLength(101);
    expect(errors.at(-1)).toEqual({ path: '/body', message: 'has 50 more bad fields' });
  });
});
