import { type Client } from 'pg';
import { metricsOf } from '../../support/nodes/metrics.js';
import { type BenchNode } from '../harness/bench-node.js';
import { type NodeSample, type SoakSample, type TableSample } from './soak-report.js';

const MIB = 2 ** 20;
const KIB = 2 ** 10;

const TABLES = `
  select relname as name, n_dead_tup::int as "deadRows", pg_total_relation_size(relid)::float8 / ${MIB} as "MiB"
  from pg_stat_user_tables
  where relname = any(array['instance_lease', 'catalog_head', 'node_role', 'service_instance', 'service_revision',
    'service_event_p0'])
  order by relname`;

/** How nodes and database are at this moment. */
export async function takeSample(nodes: readonly BenchNode[], client: Client, second: number): Promise<SoakSample> {
  const head = await client.query<{ revision: number; connections: number }>(
    `select revision::float8 as revision,
       (select count(*) from pg_stat_activity where datname = current_database())::int as connections
     from catalog_head`,
  );
  const { revision, connections } = head.rows[0]!;
  const tables = await client.query<TableSample & { name: string }>(TABLES);
  return {
    second,
    nodes: await Promise.all(nodes.map(node => sampleNode(node, revision))),
    tables: Object.fromEntries(tables.rows.map(({ name, MiB, deadRows }) => [name, { MiB, deadRows }])),
    postgresConnections: connections,
    revision,
  };
}

async function sampleNode({ api }: BenchNode, head: number): Promise<NodeSample> {
  const metrics = await metricsOf(api);
  const of = (name: string): number => {
    const value = metrics.get(name);
    if (value === undefined) throw new Error(`The node has no metric ${name}.`);
    return value;
  };
  return {
    rssMiB: of('process_resident_memory_bytes') / MIB,
    heapMiB: of('nodejs_heap_size_used_bytes') / MIB,
    eventLoopP99Ms: of('nodejs_eventloop_lag_p99_seconds') * 1_000,
    writeQueue: of('pcs_write_queue_commands'),
    renewalsWaiting: of('pcs_lease_renewals_waiting'),
    watchBacklogKiB: of('pcs_watch_backlog_bytes') / KIB,
    connections: of('pcs_database_connections'),
    // The head was read before: the view may be ahead of it.
    lag: Math.max(0, head - of('pcs_view_revision')),
  };
}
