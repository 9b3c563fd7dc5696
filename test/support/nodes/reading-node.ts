import {
  CATALOG_CHANNEL,
  CatalogHeadRepository,
  EpochLogRepository,
  LOG_ENTITIES,
  LogCutRepository,
  ServiceEventRepository,
} from '@coordination/log';
import { Databases, NotificationListener, query } from '@coordination/database';
import { systemClock } from '@coordination/kernel';
import {
  CatalogView,
  HistoryCheck,
  INSTANCE_COLUMNS,
  type InstanceRecord,
  LocalCatalog,
  normalizeRecord,
} from '@coordination/catalog';
import {
  CatalogFollower,
  CatalogLoader,
  ConfirmationWait,
  EpochManager,
  LogReader,
  ViewUpdater,
} from '@coordination/catalog/testing';
import { Metrics } from '@coordination/observability';
import { NO_STALLS } from '@coordination/scheduling';
import { REGISTRY_ENTITIES } from '@coordination/registry';
import { expect } from 'vitest';
import { aTask, aToldTask } from './background-tasks.js';

/** So rarely that whatever is seen within the test was not found by polling. */
export const NEVER_MS = 10 * 60_000;

export interface ReadingNodeOptions {
  readonly url: string;
  readonly pollMs: number;
  readonly listens?: boolean;
  readonly pageSize?: number;
  readonly confirmMs?: number;
}

/** The read side of one node of the service. */
export async function startReadingNode({
  url,
  pollMs,
  listens = false,
  pageSize,
  confirmMs = NEVER_MS,
}: ReadingNodeOptions) {
  const entities = [...LOG_ENTITIES, ...REGISTRY_ENTITIES];
  const databases = await Databases.open({ url, ssl: 'off', poolMax: 2, entities });
  const heads = new CatalogHeadRepository();
  const view = new CatalogView(systemClock, { stalenessLimitSeconds: 600 });
  const said: string[] = [];
  const say = (message: string) => void said.push(message);
  const logger = { log: say, warn: say, error: say };
  const events = new ServiceEventRepository();
  const following = aToldTask('catalog-follower');
  const catalog = new LocalCatalog(view);
  const epochs = new EpochLogRepository();
  const check = new HistoryCheck(heads, epochs, catalog, new LogCutRepository());
  const manager = new EpochManager(databases, heads, events, check, logger);
  const metrics = new Metrics();
  const updater = new ViewUpdater(
    view,
    new CatalogLoader(databases, heads, epochs, systemClock, 7),
    new LogReader(databases, heads, events, systemClock, pageSize),
    manager,
    new ConfirmationWait(manager, systemClock, { confirmMs }, metrics, NO_STALLS, logger),
    logger,
  );
  const tasks = { task: () => following.task };
  const follower = new CatalogFollower(view, updater, tasks, { opened: Promise.resolve() }, { pollMs }, metrics);
  let listening = 0;
  const listener = new NotificationListener({
    url,
    ssl: 'off',
    channel: CATALOG_CHANNEL,
    task: aTask('notification-listener'),
    onNotification: payload => follower.notify(Number(payload)),
    onListening: () => {
      listening += 1;
      follower.poll();
    },
  });
  follower.start();
  if (listens) listener.start();
  return {
    view,
    follower,
    updater,
    said,
    /** What the follower tells of its failures. */
    following,
    catalog,
    timesListened: () => listening,
    stop: async () => {
      const stopped = Promise.all([follower.stop(), listener.stop()]);
      databases.sever('view');
      await stopped;
      await databases.close();
    },
  };
}

export type ReadingNode = Awaited<ReturnType<typeof startReadingNode>>;

const inView = (view: CatalogView): Map<string, InstanceRecord> =>
  new Map(
    [...view.namespaces().values()].flatMap(({ services }) =>
      [...services.values()].flatMap(({ instances }) => [...instances.values()].map(it => [it.id, it] as const)),
    ),
  );

/** Everything that the view holds, against the tables themselves (invariant 3). */
export async function expectViewIsTable(view: CatalogView, databases: Databases): Promise<void> {
  const ask = <Row>(text: string) => query<Row>(databases.em('reads'), text);
  const [head] = await ask<{ revision: number; hash: string; epoch: string }>(
    'select revision::float8 as revision, hash, epoch from catalog_head',
  );
  expect(view.position).toMatchObject(head!);
  const rows = await ask<InstanceRecord>(`select ${INSTANCE_COLUMNS} from service_instance i`);
  expect(inView(view)).toEqual(new Map(rows.map(row => [row.id, normalizeRecord(row)])));
  const services = await ask<{ namespace: string; service: string; revision: number }>(
    'select namespace, service, revision::float8 as revision from service_revision',
  );
  for (const { namespace, service, revision } of services) {
    expect(view.serviceRevision(namespace, service)).toBe(revision);
    expect(view.knowsService(namespace, service)).toBe(true);
  }
  const inhabited = new Set(rows.map(row => `${row.namespace}/${row.service}`));
  expect(view.emptyServices, 'the view knows other services without instances').toBe(
    services.filter(({ namespace, service }) => !inhabited.has(`${namespace}/${service}`)).length,
  );
  const floors = new Map(
    (
      await ask<{ namespace: string; revision: number }>(
        'select namespace, revision::float8 as revision from namespace_floor',
      )
    ).map(({ namespace, revision }) => [namespace, revision]),
  );
  for (const namespace of new Set([...floors.keys(), ...services.map(row => row.namespace)])) {
    const floor = Math.max(floors.get(namespace) ?? 0, floors.get('*') ?? 0) || undefined;
    expect(view.serviceRevision(namespace, 'was-never-there'), `the floor of ${namespace}`).toBe(floor);
    const known = services.filter(row => row.namespace === namespace).map(({ revision }) => revision);
    const last = Math.max(floors.get(namespace) ?? 0, ...known);
    expect(view.namespaceRevision(namespace), `the last revision of ${namespace}`).toBe(last);
  }
}
