import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { seeded } from '../http/mixed-load.js';
import { type SpawnedNode } from './spawned-node.js';
import { type TestDatabase } from '../database/test-database.js';

const PAUSE_MS = [100, 1_500] as const;
const REST_MS = [50, 600] as const;

/** Faults that come one after the other. */
export interface Faults {
  /** What was done so far, for people. */
  readonly done: readonly string[];
  /** Ends them; everything runs again. */
  stop(): Promise<void>;
}

/**
 * Now pauses a node for a while (SIGSTOP, SIGCONT), now kills some of the connections to the database, whosever they
 * are; what and for how long is the same for the same seed.
 */
export function startFaults(nodes: readonly SpawnedNode[], database: TestDatabase, seed: number): Faults {
  const random = seeded(seed);
  const between = ([least, most]: readonly [number, number]) => least + random() * (most - least);
  const ending = new AbortController();
  const done: string[] = [];
  const wait = (ms: number) => delay(ms, undefined, { signal: ending.signal }).catch(() => undefined);
  const run = async () => {
    while (!ending.signal.aborted) {
      if (random() < 0.5) {
        const n = Math.floor(random() * nodes.length);
        done.push(`node ${n} paused`);
        nodes[n]!.process.signal('SIGSTOP');
        await wait(between(PAUSE_MS));
        nodes[n]!.process.signal('SIGCONT');
      } else {
        const share = random();
        done.push(`${await killConnections(database, share)} connections killed`);
      }
      await wait(between(REST_MS));
    }
  };
  const running = run();
  return {
    done,
    async stop() {
      ending.abort();
      await running;
    },
  };
}

/** Ends a random share of the connections to a database, from 0 to 1. @returns how many */
export async function killConnections({ url }: Pick<TestDatabase, 'url'>, share: number): Promise<number> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const killed = await client.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and pid <> pg_backend_pid() and random() < $1`,
      [share],
    );
    return killed.rowCount ?? 0;
  } finally {
    await client.end();
  }
}
