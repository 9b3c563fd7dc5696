import { type Pool, type PoolClient } from 'pg';

/**
 * Gives the place of a broken connection back to its pool. Kysely, which MikroORM runs its transactions with, releases
 * a connection only after BEGIN, COMMIT or ROLLBACK has succeeded on it; on a dead one none does. Without this, each
 * connection that breaks within a transaction costs the pool a place for ever, until no statement can be sent any more.
 */
export function returnBrokenConnections(pool: Pool): void {
  const held = new Set<PoolClient>();
  pool.on('acquire', client => held.add(client));
  pool.on('release', (_error, client) => held.delete(client));
  pool.on('connect', client => {
    client.once('end', () => {
      // A holder that releases by itself does so before this, since its query has failed already.
      setImmediate(() => {
        if (!held.has(client)) return;
        client.release(true);
        // A second release would throw in the hands of a holder that comes later.
        client.release = () => undefined;
      });
    });
  });
}
