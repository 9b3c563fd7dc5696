import { describe, expect, it } from 'vitest';
import { newId } from '@coordination/kernel';
import { type InstanceRecord } from '@coordination/catalog';
import { anInstance, NOW } from '../../../../../test/support/catalog/factories.js';
import { differenceOf } from './instance-difference.js';

const all = () => true;
const inZone = ({ zone }: { zone: string | null }) => zone === 'a';
const before = anInstance();

/** The same instance, later. */
const later = (differing: Partial<InstanceRecord>) =>
  anInstance({ ...before, version: 5, revision: 9, updatedAt: NOW, ...differing });

describe('What became of a place in the catalog', () => {
  it('is undefined without an instance before and after, or without a selected one', () => {
    expect(differenceOf({ before: null, after: null }, all)).toBeUndefined();
    expect(differenceOf({ before, after: later({ weight: 1 }) }, () => false)).toBeUndefined();
  });

  it('is nothing where only what the server counts has moved, and what health went through', () => {
    const health = { ...before.health, failures: 0, output: 'slow', since: NOW, decidedBy: 'report' as const };
    expect(differenceOf({ before, after: later({ health }) }, all)).toBeUndefined();
  });

  it('is a change with what callers set, with the override, and with the status', () => {
    const override = { status: 'stopped' as const, reason: null, until: null, setAt: NOW, setBy: 'x' };
    for (const differing of [
      { weight: 1 },
      { metadata: {} },
      { check: { kind: 'none' as const, ttlSeconds: null, deregisterAfterSeconds: 0 } },
      { health: { ...before.health, state: 'unhealthy' as const } },
      { override },
    ]) {
      const after = later(differing);
      expect(differenceOf({ before, after }, all)).toMatchObject({
        added: null,
        removed: null,
        changed: { before, after },
      });
    }
  });

  it('is a removal and an addition where another took the place, though it is alike', () => {
    const after = { ...before, id: newId() };
    expect(differenceOf({ before, after }, all)).toEqual({ added: after, removed: before, changed: null });
  });

  it('is an addition for who comes to be selected, and a removal for who is not any more', () => {
    const after = later({ zone: 'a' });
    expect(differenceOf({ before, after }, inZone)).toEqual({ added: after, removed: null, changed: null });
    expect(differenceOf({ before: after, after: before }, inZone)).toEqual({
      added: null,
      removed: after,
      changed: null,
    });
  });
});
