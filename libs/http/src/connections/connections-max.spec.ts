import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { connectionsMax, descriptorLimit } from './connections-max.js';

describe('the maximum of connections', () => {
  it('is what the descriptors allow, less those that are held back for the database', () => {
    expect(connectionsMax(1_024, undefined)).toBe(824);
    expect(connectionsMax(300, undefined)).toBe(100);
    expect(connectionsMax(Number.POSITIVE_INFINITY, undefined)).toBe(1_000_000);
  });

  it('is a part of them where there are hardly more than are held back', () => {
    expect(connectionsMax(210, undefined)).toBe(52);
    expect(connectionsMax(64, undefined)).toBe(16);
  });

  it('is the one that was asked for, but never more than the descriptors allow', () => {
    expect(connectionsMax(20_000, 500)).toBe(500);
    expect(connectionsMax(1_024, 5_000)).toBe(824);
  });

  it('counts the descriptors that the system gives this process', () => {
    const limit = execFileSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }).trim();
    expect(descriptorLimit()).toBe(limit === 'unlimited' ? Number.POSITIVE_INFINITY : Number(limit));
  });
});
