import { describe, expect, it } from 'vitest';
import { ConnectionTable } from './connection-table.js';

const PROXY = '10.0.0.1';

const setUp = (max: number) => {
  const table = new ConnectionTable<{ name: string }>({ max, isShared: address => address === PROXY });
  const admit = (name: string, address = name) => {
    const connection = { name };
    const admission = table.admit(connection, address);
    return { connection, admission, closed: admission.isAdmitted ? admission.closed : undefined };
  };
  return { table, admit };
};

describe('the table of connections', () => {
  it('closes the connection that has been idle longest for a new one, whoever opened it', () => {
    const { table, admit } = setUp(4);
    const [a, b, c, d] = ['a', 'b', 'c', 'd'].map(name => admit(name).connection);
    // b and a have been used since; c was never used, so it is idle longest, then d.
    for (const used of [b!, a!]) {
      table.began(used);
      table.ended(used);
    }
    expect(admit('e').closed).toEqual({ connection: c, because: 'all', hadEnded: false });
    expect(admit('f').closed?.connection).toBe(d);
    expect(admit('g').closed?.connection).toBe(b);
    expect(table.open).toBe(4);
  });

  it('never closes a connection with a request under way, such as a watch, and refuses when none is idle', () => {
    const { table, admit } = setUp(2);
    const [a, b] = [admit('a').connection, admit('b').connection];
    table.began(a);
    table.began(b);
    expect(admit('c').admission).toEqual({ isAdmitted: false, because: 'all' });
    expect(table.open, 'a refused connection takes no place').toBe(2);
    // Two requests were sent on a at once: after the answer to one it is still not idle.
    table.began(a);
    table.ended(a);
    expect(admit('d').admission.isAdmitted).toBe(false);
    table.ended(a);
    expect(admit('e').closed?.connection).toBe(a);
  });

  it('gives an address half of them, and closes its own idle connections beyond that', () => {
    const { table, admit } = setUp(6);
    const mine = ['1', '2', '3'].map(name => admit(name, 'me').connection);
    const other = admit('other').connection;
    expect(admit('4', 'me').closed).toEqual({ connection: mine[0], because: 'address', hadEnded: false });
    for (const connection of mine.slice(1)) table.began(connection);
    const newest = admit('5', 'me').closed!;
    expect(newest.because).toBe('address');
    expect(newest.connection.name).toBe('4');
    expect(table.open).toBe(4);
    // Without an idle one of its own it is refused, although another address has one and there is room.
    table.began(admit('6', 'me').connection);
    expect(admit('7', 'me').admission).toEqual({ isAdmitted: false, because: 'address' });
    expect(admit('8', 'elsewhere').admission.isAdmitted).toBe(true);
    expect(other.name).toBe('other');
  });

  it('counts the connections of a trusted proxy only in all', () => {
    const { admit } = setUp(4);
    for (const name of ['1', '2', '3', '4']) expect(admit(name, PROXY).closed).toBeUndefined();
    expect(admit('5', PROXY).closed?.because).toBe('all');
  });

  it('forgets a connection that ends, also with requests under way, and those it never knew', () => {
    const { table, admit } = setUp(2);
    const { connection } = admit('a');
    table.began(connection);
    table.remove(connection);
    table.remove(connection);
    table.ended(connection);
    table.began({ name: 'refused before' });
    expect([table.open, table.idleCount]).toEqual([0, 0]);
    // The address has no connection left, so its share is free again.
    expect(admit('a').closed).toBeUndefined();
  });

  it('keeps its counts over any order of events', () => {
    const { table, admit } = setUp(20);
    let seed = 7;
    const random = (below: number) => (seed = (seed * 48_271) % 2_147_483_647) % below;
    const open = new Map<object, number>();
    for (let n = 0; n < 20_000; n++) {
      const connections = [...open.keys()] as { name: string }[];
      const chosen = connections[random(connections.length || 1)];
      const what = random(4);
      if (what === 0 || !chosen) {
        const { connection, admission, closed } = admit(`c${n}`, `address ${random(4)}`);
        if (closed) {
          expect(open.get(closed.connection), 'only idle ones are closed').toBe(0);
          open.delete(closed.connection);
        }
        if (admission.isAdmitted) open.set(connection, 0);
      } else if (what === 1) {
        table.began(chosen);
        open.set(chosen, open.get(chosen)! + 1);
      } else if (what === 2) {
        table.ended(chosen);
        open.set(chosen, Math.max(0, open.get(chosen)! - 1));
      } else {
        table.remove(chosen);
        open.delete(chosen);
      }
      expect(table.open).toBe(open.size);
      expect(table.open).toBeLessThanOrEqual(20);
      expect(table.idleCount).toBe([...open.values()].filter(underWay => underWay === 0).length);
    }
  });
});

describe('a connection that its client has ended, and that is not closed yet', () => {
  it('makes room before an idle one, although its request is under way, for whoever reached the limit', () => {
    const table = new ConnectionTable<{ name: string }>({ max: 4, isShared: () => false });
    const admit = (name: string, address: string) => {
      const connection = { name };
      return { connection, ...(table.admit(connection, address) as { closed?: unknown }) };
    };
    admit('idle', 'me');
    const mine = admit('mine', 'me').connection;
    const other = admit('other', 'other').connection;
    admit('last', 'third');
    for (const connection of [mine, other]) table.began(connection);
    for (const connection of [mine, other]) table.left(connection);
    expect(table.idleCount).toBe(2);
    // The request ends only because the connection does: it must not count as idle.
    table.ended(other);
    expect(table.idleCount).toBe(2);
    expect(admit('next', 'me').closed).toEqual({ connection: mine, because: 'address', hadEnded: true });
    expect(admit('more', 'fourth').closed).toEqual({ connection: other, because: 'all', hadEnded: true });
    expect(admit('most', 'fifth').closed).toMatchObject({ connection: { name: 'idle' }, hadEnded: false });
    expect(table.open).toBe(4);
  });
});
