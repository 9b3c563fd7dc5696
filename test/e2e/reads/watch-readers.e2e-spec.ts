import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { EventSource } from 'eventsource';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Databases } from '@coordination/database';
import { Scheduler } from '@coordination/scheduling';
import { Api, INSTANCES } from '../../support/http/api.js';
import { startApplication } from '../../support/nodes/application.js';
import {
  type CatalogNode,
  type CatalogService,
  headOf,
  startCatalog,
  startNode,
} from '../../support/catalog/catalog-service.js';
import { lastingPort } from '../../support/database/lasting-port.js';
import { metricOf } from '../../support/nodes/metrics.js';
import { PostgresProxy } from '../../support/database/postgres-proxy.js';
import { unhurried } from '../../support/time/slowness.js';
import { waitFor } from '../../support/time/wait-for.js';
import { WATCH } from '../../support/watch/recording-watcher.js';
import { type WatchFrame } from '../../support/watch/watch-record.js';
import { framesOf } from '../../support/watch/watched-view.js';
import { startWatching, type Watching } from '../../support/watch/watching.js';

const BACKLOG_BYTES = 4_096;
/** Of one piece, of which there may be one more than the backlog, and one that the socket has not taken. */
const PIECE_BYTES = 64 * 1024 + 40_000;

let catalog: CatalogService;
let nodes: CatalogNode[] = [];
const ends: (() => unknown)[] = [];

beforeAll(async () => {
  catalog = await startCatalog();
});
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
  for (const node of nodes.splice(0)) await node.close();
});
afterAll(() => catalog.close());

async function start(env: Readonly<Record<string, string>>, url = catalog.database.url): Promise<CatalogNode> {
  const node = await startNode(url, env);
  nodes.push(node);
  return node;
}

function watch(api: Api, query: string, after?: number): Watching {
  const opened = startWatching(api, query, after === undefined ? {} : { after });
  ends.push(() => opened.stop());
  return opened;
}

/** A watch of which nothing is read until the test does. */
async function openUnread(api: Api, query: string): Promise<IncomingMessage> {
  const asked = request(`${api.url}${WATCH}?${query}`);
  asked.end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  ends.push(() => response.destroy());
  response.on('error', () => undefined);
  return response;
}

const LARGE = 'x'.repeat(30_000);
const PER_BATCH = 30;

/** Registers instances of 30 KB each, and gives the revision after them. */
async function registerLarge(api: Api, service: string, batches: number): Promise<number> {
  for (let batch = 0; batch < batches; batch++) {
    const instances = Array.from({ length: PER_BATCH }, (_, n) => ({
      service,
      instanceId: `${batch}-${n}`,
      host: '10.0.0.1',
      port: 80,
      metadata: { LARGE },
    }));
    await api.ok('POST', `${INSTANCES}/batch`, { instances });
  }
  return await headOf(api);
}

const SLOW = {
  PCS_FEED_MAX_CHANGES: '100',
  PCS_WATCH_BACKLOG_BYTES: String(BACKLOG_BYTES),
  PCS_WATCH_BOOKMARK_SECONDS: '1',
};

describe('a watcher that reads nothing', () => {
  it('is let go, and what it is not told is kept by nobody', async () => {
    const { api } = await start({ ...SLOW, PCS_WATCH_STALL_SECONDS: '1' });
    await openUnread(api, 'service=flood&since=0');
    const head = await registerLarge(api, 'flood', 20);
    const produced = 20 * PER_BATCH * LARGE.length;
    const backlogs: number[] = [];
    await waitFor('it is let go', async () => {
      backlogs.push(await metricOf(api, 'pcs_watch_backlog_bytes'));
      return (await metricOf(api, 'pcs_watch_open')) === 0;
    });
    expect(Math.max(...backlogs)).toBeLessThan(BACKLOG_BYTES + 2 * PIECE_BYTES);
    expect(await metricOf(api, 'pcs_watch_resets_total')).toBe(1);
    expect(await metricOf(api, 'pcs_watch_bytes_total')).toBeLessThan(produced);
    const next = watch(api, 'service=flood', head - 1);
    await next.until('the last one', ({ data }) => data.revision === head);
  });

  it('does not keep a node from ending', async () => {
    const node = await startNode(catalog.database.url, SLOW);
    const { api } = node;
    await openUnread(api, 'service=ending&since=0');
    await registerLarge(api, 'ending', 15);
    await waitFor('its backlog is full', async () => (await metricOf(api, 'pcs_watch_backlog_bytes')) >= BACKLOG_BYTES);
    await node.close();
  });
});

describe('a watcher that reads slowly', () => {
  it('is told everything once and in order, although memory has long forgotten it', async () => {
    const { api } = await start(SLOW);
    const response = await openUnread(api, 'service=slow&since=0');
    const head = await registerLarge(api, 'slow', 12);
    const frames: WatchFrame[] = [];
    for await (const frame of framesOf(response)) {
      frames.push(frame);
      if (frames.length % 50 === 0) await delay(1);
      if (frame.data.revision >= head) break;
    }
    const told = frames
      .filter(({ event }) => event === 'instance.registered')
      .map(({ data }) => data.instance?.instanceId);
    const expected = Array.from({ length: 12 }, (_, batch) =>
      Array.from({ length: PER_BATCH }, (_, n) => `${batch}-${n}`),
    );
    expect(told).toEqual(expected.flat());
    expect(frames.map(({ event }) => event)).not.toContain('reset');
  });
});

describe('a thousand watchers', () => {
  it('hold no connection to the database, and are not woken by what does not concern them', async () => {
    const node = await start({});
    const watchers = Array.from({ length: 1_000 }, (_, n) => watch(node.api, `service=crowd-${n % 100}`));
    for (const watcher of watchers) await watcher.until('a snapshot', ({ event }) => event === 'snapshot');
    expect(await metricOf(node.api, 'pcs_watch_open')).toBe(1_000);
    const reads = () =>
      node.app
        .get(Databases)
        .use()
        .find(({ purpose }) => purpose === 'reads')!;
    // The node itself reads a little from time to time; what is held by watchers is held all the time.
    await waitFor('no connection is held, and none is waited for', () => {
      const { open, idle, waiting } = reads();
      return open === idle && waiting === 0;
    });
    await waitFor('nothing is done on any', async () => {
      const [busy] = await catalog.sql<{ count: number }>(
        `select count(*)::int as count from pg_stat_activity
         where datname = current_database() and application_name like '% reads' and state <> 'idle'`,
      );
      return busy?.count === 0;
    });

    await waitFor('all have begun', () => node.app.get(Scheduler).size === 0);
    const turns = await metricOf(node.api, 'pcs_watch_turns_total');
    for (let n = 0; n < 20; n++) await node.api.register({ service: 'elsewhere', instanceId: `e-${n}` });
    await node.api.register({ service: 'crowd-7', instanceId: 'concerns-ten' });
    const concerned = watchers.filter((_, n) => n % 100 === 7);
    for (const each of concerned) await each.until('the change', ({ event }) => event === 'instance.registered');
    await waitFor('all have been told', () => node.app.get(Scheduler).size === 0);
    expect(await metricOf(node.api, 'pcs_watch_turns_total')).toBe(turns + concerned.length);
    expect(watchers.flatMap(watcher => watcher.told())).toHaveLength(concerned.length);
  });
});

describe('EventSource', () => {
  it('goes on by itself when the node has started again, without a gap and without a snapshot', async () => {
    const onPort = { PORT: String(await lastingPort()) };
    let node = await startNode(catalog.database.url, onPort);
    const source = new EventSource(`${node.url}${WATCH}?service=browser`);
    ends.push(() => source.close());
    const told: string[] = [];
    for (const name of ['snapshot', 'instance.registered', 'removed']) {
      source.addEventListener(name, ({ data }) => {
        const { instance } = JSON.parse(String(data)) as WatchFrame['data'];
        told.push(`${name} ${instance?.instanceId ?? ''}`.trim());
      });
    }
    await waitFor('a snapshot', () => told.length > 0);
    await node.api.register({ service: 'browser', instanceId: 'before' });
    await waitFor('the first one', () => told.length > 1);
    await node.close();
    await catalog.api.register({ service: 'browser', instanceId: 'meanwhile' });
    node = await start(onPort);
    await waitFor('the second one', () => told.length > 2);
    await node.api.register({ service: 'browser', instanceId: 'after' });
    await waitFor('the third one', () => told.length > 3);
    expect(told).toEqual([
      'snapshot',
      'instance.registered before',
      'instance.registered meanwhile',
      'instance.registered after',
    ]);
  });
});

describe('a node that is still starting', () => {
  it('lets a watcher wait, because EventSource gives up for good when it is answered by an error', async () => {
    const proxy = await PostgresProxy.start(catalog.database.url);
    await proxy.shut();
    const node = await startApplication({ databaseUrl: proxy.url });
    ends.push(
      () => node.close(),
      () => proxy.shut(),
    );
    const source = new EventSource(`${node.url}${WATCH}?service=starting`);
    ends.unshift(() => source.close());
    let snapshots = 0;
    let errors = 0;
    source.addEventListener('snapshot', () => (snapshots += 1));
    source.addEventListener('error', () => (errors += 1));
    expect((await new Api(node.url).get('/api/v1/discovery/namespaces')).body).toMatchObject({ code: 'STARTING' });
    await proxy.open();
    await waitFor('a snapshot', () => snapshots > 0);
    expect(errors).toBe(0);
  });
});

describe('a node whose view is older than is allowed', () => {
  it('sends comments instead of bookmarks, takes no new watches, and goes on without a gap', async () => {
    const proxy = await PostgresProxy.start(catalog.database.url);
    ends.push(() => proxy.shut());
    const limits = { PCS_STALENESS_LIMIT_SECONDS: String(unhurried(1)), PCS_WATCH_BOOKMARK_SECONDS: '1' };
    const { api } = await start(limits, proxy.url);
    let response!: IncomingMessage;
    await waitFor('the view is fresh enough', async () => {
      response = await openUnread(api, 'service=stale');
      return response.statusCode === 200;
    });
    let text = '';
    response.on('data', chunk => (text += String(chunk)));
    await waitFor('a bookmark', () => text.includes('event: bookmark'));
    await proxy.shut();
    await waitFor('a comment', () => /^: /m.test(text));
    expect((await api.get(WATCH)).body.code).toBe('STALE_VIEW');
    await catalog.api.register({ service: 'stale', instanceId: 'meanwhile' });
    await proxy.open();
    await waitFor('what happened meanwhile', () => text.includes('"instanceId":"meanwhile"'));
    expect(text.match(/event: instance/g)).toHaveLength(1);
    expect(text).not.toContain('reset');
  });
});
