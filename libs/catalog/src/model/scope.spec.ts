import { describe, expect, it } from 'vitest';
import { EVERYWHERE, isInScope } from './scope.js';

const ORDERS = { namespace: 'shop', service: 'orders' };

describe('a scope', () => {
  it.each([
    [EVERYWHERE, true],
    [{ namespace: 'shop', service: null }, true],
    [{ namespace: null, service: 'orders' }, true],
    [ORDERS, true],
    [{ namespace: 'default', service: null }, false],
    [{ namespace: null, service: 'billing' }, false],
    [{ namespace: 'default', service: 'orders' }, false],
  ])('%o contains a service of the namespace and the name that it has: %s', (scope, isIn) => {
    expect(isInScope(scope, ORDERS)).toBe(isIn);
  });
});
