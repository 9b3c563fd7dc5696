import { EventSource } from 'eventsource';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BackedUpDatabase } from '../../support/database/backed-up-database.js';
import { type CatalogNode, startNode } from '../../support/catalog/catalog-service.js';
import { waitFor } from '../../support/time/wait-for.js';
import { WATCH } from '../../support/watch/recording-watcher.js';
import { type WatchFrame } from '../../support/watch/watch-record.js';
import { startWatching } from '../../support/watch/watching.js';

let database: BackedUpDatabase;
let node: CatalogNode;

beforeAll(async () => {
  database = await BackedUpDatabase.create();
  node = await startNode(database.url, { PCS_VIEW_POLL_MS: '100', PCS_WATCH_BOOKMARK_SECONDS: '1' });
});
afterAll(async () => {
  await node.close();
  await database.drop();
});

describe('watchers of a catalog of which a backup is restored', () => {
  it('are told to begin anew, and those with a revision of the lost history too', async () => {
    const { api } = node;
    const kept = await api.register({ instanceId: 'kept' });
    await database.backUp();
    const lost = await api.register({ instanceId: 'lost' });

    const watcher = startWatching(api, 'service=orders', { after: kept.revision });
    const source = new EventSource(`${api.url}${WATCH}?service=orders`);
    const snapshots: WatchFrame['data'][] = [];
    source.addEventListener('snapshot', ({ data }) => snapshots.push(JSON.parse(String(data)) as WatchFrame['data']));
    await watcher.until('what will be lost', ({ data }) => data.instance?.instanceId === 'lost');
    await waitFor('what is there', () => snapshots.length === 1);

    await database.restore();
    await watcher.ended;
    expect(watcher.frames.at(-1)).toMatchObject({ id: '', event: 'reset', data: { reason: 'new_epoch' } });
    await waitFor('EventSource has begun anew by itself', () => snapshots.length > 1);
    source.close();
    expect(snapshots.map(({ instances }) => instances?.map(({ instanceId }) => instanceId).sort())).toEqual([
      ['kept', 'lost'],
      ['kept'],
    ]);
    expect(snapshots[1]!.revision).toBeGreaterThan(lost.revision);

    const late = startWatching(api, 'service=orders', { after: lost.revision });
    await late.ended;
    expect(late.frames.map(({ event, data }) => ({ event, ...data }))).toMatchObject([
      { event: 'reset', reason: 'new_epoch' },
    ]);
    const survivor = startWatching(api, 'service=orders', { after: kept.revision });
    await survivor.ended;
    expect(survivor.frames.at(-1), 'an epoch began on its way').toMatchObject({ data: { reason: 'new_epoch' } });

    const anew = startWatching(api, 'service=orders', { after: snapshots[1]!.revision });
    await api.register({ instanceId: 'later' });
    await anew.until('what comes later', ({ data }) => data.instance?.instanceId === 'later');
    expect(anew.told()).toEqual(['instance.registered later']);
    await anew.stop();
  });
});
