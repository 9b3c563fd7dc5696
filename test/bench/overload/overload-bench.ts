import { Client } from 'pg';
import { BulkWriter } from '../data/bulk-writer.js';
import { BenchNode, type BenchNodeOptions } from '../harness/bench-node.js';
import { ask, type BenchPostgres } from '../harness/bench-postgres.js';
import { ScriptProcess } from '../harness/script-process.js';
import { type LeasedView } from '../../support/http/api.js';
import { waitFor } from '../../support/time/wait-for.js';
import { INSTANCES_PATH } from '../load/registration.js';
import { PROFILE_PRELOAD } from '../preload/profiling.js';
import { CHANGED, eventsOf, overloadSteps } from './catalog.js';
import { type KindTargets } from './kinds.js';
import { type ProberQuestion } from './load/prober-job.js';
import { type OverloadOptions, type ProbeWindow } from './report.js';
import { WindowProfiles } from './window-profiles.js';

/** Instances that renew their leases all the time, and how many share a service: too few for a guard of that service. */
const RENEWING = 200;
const INSTANCES_OF_A_SERVICE = 5;

/** How long their leases last: longer than any window, so that none ends merely because a heartbeat is slow. */
const RENEWING_TTL_SECONDS = 30;
const DYING_TTL_SECONDS = 2;

/** How long (ms) a node may take to begin its work. */
const SETTLE_PATIENCE_MS = 60_000;

/** A filled database, and what all cells and scenarios need of it. */
export class OverloadBench {
  readonly profiles: WindowProfiles;

  private constructor(
    readonly postgres: BenchPostgres,
    readonly databaseUrl: string,
    readonly client: Client,
    readonly targets: KindTargets,
    readonly options: OverloadOptions,
    readonly say: (line: string) => void,
  ) {
    this.profiles = new WindowProfiles(options.profile);
  }

  static async open(
    postgres: BenchPostgres,
    options: OverloadOptions,
    say: (line: string) => void,
  ): Promise<OverloadBench> {
    const databaseUrl = await postgres.createDatabase();
    const client = new Client({ connectionString: databaseUrl });
    try {
      const events = eventsOf(options);
      const { seconds } = await BulkWriter.write(databaseUrl, overloadSteps(options), events);
      say(`${events} events were written in ${Math.round(seconds)} s.`);
      await client.connect();
      const [row] = await ask<{ id: string }>(
        databaseUrl,
        'select id from service_instance where service = $1 and instance_id = $2',
        [CHANGED.service, CHANGED.instanceId],
      );
      const targets = { services: options.services, revision: events, changedId: row!.id };
      return new OverloadBench(postgres, databaseUrl, client, targets, options, say);
    } catch (error) {
      await client.end();
      await postgres.dropDatabase(databaseUrl);
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.client.end();
    await this.postgres.dropDatabase(this.databaseUrl);
  }

  /**
   * Makes the service forget that no node was there before this one: after such a pause leases last longer, by a guard, which is not
   * what is measured here.
   */
  private async forgetPause(): Promise<void> {
    const isSettled = async (): Promise<boolean> => {
      const { rowCount } = await this.client.query(
        `update node_role set back_since = now() - interval '1 day' where expires_at > now()`,
      );
      const { rows } = await this.client.query('select from liveness_guard');
      return (rowCount ?? 0) > 0 && rows.length === 0;
    };
    await waitFor('a node has the role of the sweeper, and no guard is active', isSettled, SETTLE_PATIENCE_MS);
  }

  /** Starts a node with instances that renew, and a prober that renews them, for as long as the work takes. */
  async withNode<Result>(
    options: BenchNodeOptions & { readonly renewing?: number; readonly ttlSeconds?: number },
    work: (running: RunningNode) => Promise<Result>,
  ): Promise<Result> {
    const { renewing = RENEWING, ttlSeconds = RENEWING_TTL_SECONDS, preloads = [], ...nodeOptions } = options;
    const node = await BenchNode.start(this.databaseUrl, {
      ...nodeOptions,
      preloads: this.profiles.isOn ? [...preloads, PROFILE_PRELOAD] : preloads,
    });
    const prober = ScriptProcess.start('test/bench/overload/load/prober.ts');
    try {
      await this.forgetPause();
      const running = new RunningNode(this, node, prober);
      const renewed = await running.register('renewing', renewing, ttlSeconds);
      await prober.ask<null>({ ask: 'start', url: node.url, renewing: renewed } satisfies ProberQuestion);
      return await work(running);
    } finally {
      await prober.stop();
      node.resume();
      await node.stop();
    }
  }
}

/** A node under heartbeats. */
export class RunningNode {
  private cohorts = 0;

  constructor(
    readonly bench: OverloadBench,
    readonly node: BenchNode,
    private readonly prober: ScriptProcess,
  ) {}

  /** Registers instances with a lease, few of each service. @returns their ids */
  async register(name: string, count: number, ttlSeconds: number): Promise<string[]> {
    const instances = Array.from({ length: count }, (_, n) => ({
      service: `${name}-${Math.floor(n / INSTANCES_OF_A_SERVICE)}`,
      instanceId: `${name}-${n}`,
      host: `10.9.${n >> 8}.${n & 255}`,
      port: 8080,
      check: { kind: 'heartbeat', ttlSeconds },
    }));
    const { results } = await this.node.api.ok<{ results: readonly { readonly instance: LeasedView }[] }>(
      'POST',
      `${INSTANCES_PATH}/batch`,
      { instances },
    );
    return results.map(({ instance }) => instance.id);
  }

  /** Registers instances that will die, with a short lease and a name of their own each time. @returns their ids */
  async registerDying(count: number): Promise<string[]> {
    this.cohorts += 1;
    const name = `dying-${Date.now().toString(36)}-${this.cohorts}`;
    return await this.register(name, count, DYING_TTL_SECONDS);
  }

  /** Begins a window. @param dying is renewed until it, and for a moment after: longer for the later ones */
  async beginWindow(dying: readonly string[] = [], spreadMs = 0): Promise<void> {
    const stopping = dying.map((id, n) => ({ id, stopAfterMs: (n / dying.length) * spreadMs }));
    await this.prober.ask<null>({ ask: 'begin', dying: stopping } satisfies ProberQuestion);
  }

  /** Ends the window at once, and waits until those who wait have an answer. */
  async endWindow(): Promise<ProbeWindow> {
    return await this.prober.ask<ProbeWindow>({ ask: 'end' } satisfies ProberQuestion);
  }
}
