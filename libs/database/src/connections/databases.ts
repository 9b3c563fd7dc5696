import { type EntityName } from '@mikro-orm/core';
import { MikroORM } from '@mikro-orm/postgresql';
import { NO_STALLS, type StallRecord } from '@coordination/scheduling';
import { type Pool } from 'pg';
import { placeOf } from '../servers/database-place.js';
import { PoolConnections, severedUntil } from './pool-connections.js';
import { pgOptions, poolPatience } from './pg-options.js';
import { type SslMode } from '../servers/tls-demand.js';
import { Troubles } from '../errors/trouble.js';

/** What connections are used for. Each purpose has its own pool, so that slow searches cannot starve writes or renewals. */
export type Purpose = 'writer' | 'leases' | 'view' | 'liveness' | 'upkeep' | 'reads';

const PURPOSES = ['writer', 'leases', 'view', 'liveness', 'upkeep', 'reads'] as const satisfies readonly Purpose[];

/**
 * The writer itself and the read index; the flush of renewals and the look-up of ids that the view does not have; the
 * view, which reads one page of the log after the other; the role of who ends leases, and the search for those that are over;
 * the health of the database, its metrics, and the periodic jobs of this node.
 */
const FIXED_BUDGET = { writer: 2, leases: 2, view: 1, liveness: 2, upkeep: 2 } as const;

const CONNECT_TIMEOUT_MS = 3_000;
const IDLE_TIMEOUT_MS = 60_000;

/** How to reach PostgreSQL. */
export interface DatabaseTarget {
  readonly url: string;
  readonly ssl: SslMode;
  /** Connections for reads. */
  readonly poolMax: number;
  readonly entities: readonly EntityName<object>[];
}

/** How full a pool is, for the metrics. */
export interface PoolUse {
  readonly purpose: Purpose;
  readonly open: number;
  readonly idle: number;
  readonly waiting: number;
}

/**
 * One MikroORM for each purpose, with the same entities. Nothing connects before the first query, so a database that cannot
 * be reached at start is noticed by the first statement.
 */
export class Databases {
  /** The errors of the server that its users have met. */
  readonly troubles = new Troubles();

  private constructor(
    /** Where the database is; for connections that need to be of their own. */
    readonly url: string,
    private readonly orms: Readonly<Record<Purpose, MikroORM>>,
    private readonly pools: ReadonlyMap<Purpose, PoolConnections>,
    /** The stalls of this process: what judges the database by a clock must not count them. */
    readonly stalls: StallRecord,
  ) {}

  static async open(target: DatabaseTarget, stalls: StallRecord = NO_STALLS): Promise<Databases> {
    const pools = new Map<Purpose, PoolConnections>();
    const options = pgOptions(target.url, target.ssl);
    // Not by `init`, which looks for optional packages, and would load a second copy of MikroORM into a bundled build.
    const open = (purpose: Purpose) =>
      new MikroORM({
        dbName: placeOf(target.url).database,
        entities: [...target.entities],
        discovery: { warnWhenNoEntities: false },
        debug: false,
        // pg reports dropped connections as events; the query that met one rejects by itself.
        logger: () => undefined,
        driverOptions: {
          ...options,
          ...poolPatience(options, CONNECT_TIMEOUT_MS),
          max: purpose === 'reads' ? target.poolMax : FIXED_BUDGET[purpose],
          // One stays open: connecting while the process is busy takes many turns of the event loop.
          min: 1,
          idleTimeoutMillis: IDLE_TIMEOUT_MS,
          application_name: `platform-coordination ${purpose}`,
          onPoolCreated: (pool: Pool) => void pools.set(purpose, new PoolConnections(pool)),
        },
      });
    const orms = {} as Record<Purpose, MikroORM>;
    for (const purpose of PURPOSES) {
      orms[purpose] = open(purpose);
      orms[purpose].em.getConnection().getClient();
    }
    return new Databases(target.url, orms, pools, stalls);
  }

  /** A forked entity manager: one for each unit of work. */
  em(purpose: Purpose): MikroORM['em'] {
    // Within a transaction of another purpose, the entity manager of that one would be forked instead.
    return this.orms[purpose].em.fork({ disableContextResolution: true });
  }

  /**
   * Cuts the connections of a purpose at once, so that callers that wait for a server that does not answer get an error.
   * The pool opens new ones when they are needed.
   */
  sever(purpose: Purpose): void {
    this.pools.get(purpose)?.sever();
  }

  /** Cuts all connections, of all purposes. */
  severAll(): void {
    for (const purpose of PURPOSES) this.sever(purpose);
  }

  /**
   * Whether statements of this node use all connections of a purpose, while the server answers: a caller that gets no
   * connection then has met the load of this node, and not an outage of the database.
   * @param sinceMs the server must have answered, on a connection of any purpose, after this time of `performance.now()`
   */
  isBusy(purpose: Purpose, sinceMs: number): boolean {
    const pool = this.pools.get(purpose);
    return (
      pool !== undefined && pool.isFull && [...this.pools.values()].some(({ answeredAtMs }) => answeredAtMs >= sinceMs)
    );
  }

  use(): PoolUse[] {
    return [...this.pools].map(([purpose, { pool }]) => ({
      purpose,
      open: pool.totalCount,
      idle: pool.idleCount,
      waiting: pool.waitingCount,
    }));
  }

  /** Closes all connections. Those that still wait for a server are cut: a silent server would keep the service running. */
  async close(): Promise<void> {
    const closing = Promise.all(PURPOSES.map(purpose => this.orms[purpose].close(true)));
    await severedUntil(closing, () => this.severAll());
  }
}
