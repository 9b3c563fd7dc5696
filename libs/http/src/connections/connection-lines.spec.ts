import { describe, expect, it } from 'vitest';
import { ConnectionLines } from './connection-lines.js';

describe('the lines about connections at the limit', () => {
  it('are one at once, then one in ten seconds with all that has happened since', () => {
    let nowMs = 5_000;
    const lines: { msg: string; closed: number; refused: number }[] = [];
    const connectionLines = new ConnectionLines(100, line => lines.push(line as never), { monotonicMs: () => nowMs });
    connectionLines.note('closed', 'all');
    for (let n = 0; n < 1_000; n++) connectionLines.note('closed', 'address');
    expect(lines).toHaveLength(1);
    nowMs += 10_000;
    connectionLines.note('refused', 'all');
    expect(lines.map(({ closed, refused }) => [closed, refused])).toEqual([
      [1, 0],
      [1_000, 1],
    ]);
    expect(lines[1]!.msg).toContain('1000 idle connections were closed');
    expect(lines[1]!.msg).toContain('1 because 100 connections are open (PCS_CONNECTIONS_MAX');
    expect(lines[1]!.msg).toContain('1000 because one address has half of them');
  });
});
