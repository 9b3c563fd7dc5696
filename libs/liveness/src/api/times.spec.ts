import { logPoint } from '@coordination/log';
import { toFieldErrors } from '@coordination/kernel';
import { setOverride } from '@coordination/registry';
import { describe, expect, it } from 'vitest';
import { type z } from 'zod';
import { guardCommand } from './liveness.schemas.js';

const complaints = (schema: z.ZodType, value: unknown) =>
  toFieldErrors(schema.safeParse(value).error?.issues ?? [], '').map(({ message }) => message);

const COMMAND = { action: 'force', scope: 'all', reason: 'switch upgrade' };
const TOO_LATE = 'must lie in years 1 to 9999';

describe('A time', () => {
  it.each([
    ['2026-02-30T00:00:00Z', 'must be an RFC 3339 time, such as 2026-11-23T10:15:30Z'],
    ['tomorrow', 'must be an RFC 3339 time, such as 2026-11-23T10:15:30Z'],
    ['2026-11-23T10:15:30', 'must be an RFC 3339 time, such as 2026-11-23T10:15:30Z'],
    ['9999-12-31T23:59:59-12:00', TOO_LATE],
    ['0000-12-31T23:59:59Z', TOO_LATE],
  ])('that is invalid is rejected with the same message in every body: %s', (until, message) => {
    expect(complaints(setOverride, { status: 'maintenance', until })).toEqual([message]);
    expect(complaints(guardCommand, { ...COMMAND, until })).toEqual([message]);
    if (message === TOO_LATE) expect(complaints(logPoint('any moment'), until)).toEqual([message]);
  });

  it('is normalized to UTC and milliseconds', () => {
    const until = '2026-11-23T12:15:30.1239+02:00';
    const normalized = '2026-11-23T10:15:30.123Z';
    expect(setOverride.parse({ status: 'maintenance', until })).toMatchObject({ until: normalized });
    expect(guardCommand.parse({ ...COMMAND, until })).toMatchObject({ until: normalized });
    expect(logPoint('any moment').parse(until)).toEqual({ time: normalized });
  });
});
