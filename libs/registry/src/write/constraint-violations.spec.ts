import { describe, expect, it } from 'vitest';
import { isRefusal, constraintViolation } from './constraint-violations.js';

const databaseError = (code: unknown, differing: object = {}) =>
  Object.assign(new Error('insert into service_instance … violates'), { code, ...differing });

describe('A refusal', () => {
  it.each(['22P05', '22021', '23505', '23514'])('is what blames the values of a statement: %s', code => {
    expect(isRefusal(databaseError(code, { constraint: 'some_rule' }))).toBe(true);
  });

  it.each(['40001', '57014', '42P01', '2', '22', '220000', 'ECONNRESET', undefined])('is not %s', code => {
    expect(isRefusal(databaseError(code))).toBe(false);
  });

  it('is no row that no partition of the log takes, nor anything that ends the session', () => {
    expect(isRefusal(databaseError('23514'))).toBe(false);
    expect(isRefusal(databaseError('22023', { severity: 'FATAL' }))).toBe(false);
  });

  it('is an error in any case', () => {
    for (const thing of [undefined, null, '23505', { code: '23505' }]) expect(isRefusal(thing)).toBe(false);
  });

  it('is told by the rule that was broken, without SQL', () => {
    const told = constraintViolation(databaseError('23514', { constraint: 'service_instance_port_range' }));
    expect(told).toMatchObject({ code: 'VALIDATION_FAILED' });
    expect(told.message).toContain('breaks the rule service_instance_port_range');
    expect(told.message).not.toContain('insert');
  });

  it('without a rule is told as a value that cannot be stored', () => {
    const told = constraintViolation(databaseError('22P05'));
    expect(told.extras.errors).toEqual([{ path: '', message: 'holds a value that the database cannot store' }]);
  });
});
