import { EPOCH_JUMP, type EpochStarted } from '@coordination/log/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Api, INSTANCES } from '../support/http/api.js';
import { assertCatalogInvariants } from '../support/catalog/catalog-invariants.js';
import { type CatalogNode, startNode } from '../support/catalog/catalog-service.js';
import { assertAnswersAreTrue, startMixedLoad } from '../support/http/mixed-load.js';
import { OwnPostgres } from '../support/database/own-postgres.js';
import { PATIENCE_MS, waitFor } from '../support/time/wait-for.js';
import { openWatch, RecordingWatcher } from '../support/watch/recording-watcher.js';
import { stretchProblems, watchProblems } from '../support/watch/watch-guarantees.js';
import { stretchesOf } from '../support/watch/watch-record.js';

const CONTENDED = '/api/v1/discovery/services/contended/instances?status=any';
const everything = () => true;

/** Whether a revision is of the first epoch. */
const isOld = (revision: number) => revision < EPOCH_JUMP;

let postgres: OwnPostgres;
let nodes: CatalogNode[];
let apis: Api[];
let watchers: RecordingWatcher[];

beforeAll(async () => {
  postgres = await OwnPostgres.start();
  nodes = [await startNode(postgres.url), await startNode(postgres.url)];
  apis = nodes.map(({ api }) => api);
  watchers = [31, 32].map(seed =>
    RecordingWatcher.start({ apis, query: 'namespace=*&status=any', seed, ...(seed === 32 && { livesMs: 400 }) }),
  );
});
afterAll(async () => {
  await Promise.all(watchers.map(watcher => watcher.stop().catch(() => undefined)));
  for (const node of nodes) await node.close();
  await postgres.remove();
});

const load = (seed: number, operations?: number) =>
  startMixedLoad({ apis, seed, clients: 6, names: 6, ...(operations && { operations }) });

/** Notes which revisions and epochs a node tells, in their order, until it is stopped. */
function notePositions(api: Api) {
  const noted: { readonly epoch: string; readonly revision: number }[] = [];
  const ending = new AbortController();
  const running = (async () => {
    while (!ending.signal.aborted) {
      const { status, headers, revision } = await api.get(CONTENDED);
      if (status === 200) noted.push({ epoch: headers.get('x-catalog-epoch')!, revision });
    }
  })();
  return {
    stop: async () => {
      ending.abort();
      await running;
      return noted;
    },
  };
}

describe('a backup restored under running nodes and watchers', () => {
  it('ends the epoch: nothing is silent, and everybody begins anew', async () => {
    await load(21, 25).finished;
    await postgres.backUp();
    await waitFor('the nodes write again', async () => {
      const answers = await Promise.all(apis.map(api => api.send('POST', INSTANCES, { host: '10.0.0.1', port: 1 })));
      return answers.every(({ status }) => status < 500);
    });
    const survived = await postgres.revision();
    await load(22, 25).finished;
    const lost = await assertCatalogInvariants(postgres.url);
    expect(lost.head.revision).toBeGreaterThan(survived + 10);
    for (const watcher of watchers) {
      await waitFor('the watchers have seen it all', () => watcher.position >= lost.head.revision);
    }
    const [api] = apis as [Api];
    const { nextCursor } = await api.ok<{ nextCursor: string }>('GET', '/api/v1/audit/events?limit=2&order=asc');
    const { headers } = await api.get(CONTENDED);
    const oldTag = headers.get('etag')!;
    const positions = apis.map(notePositions);

    await postgres.kill('SIGQUIT');
    const later = load(23);
    await postgres.restore();
    await waitFor('callers are served again', () => later.acknowledged() > 100);
    await later.stop();

    const facts = await assertCatalogInvariants(postgres.url);
    const { head, events } = facts;
    const begun = events.filter(({ action }) => action === 'catalog.epoch_started');
    expect(begun.map(({ after }) => after as EpochStarted)).toEqual([
      {
        epoch: head.epoch,
        previousEpoch: lost.head.epoch,
        previousRevision: expect.any(Number),
        reason: expect.stringMatching(/^(log-shorter|event-)/),
        lastKnownRevision: expect.any(Number),
      },
    ]);
    // Whatever was acknowledged after the restore is there, and none of it under the old epoch.
    assertAnswersAreTrue(later.told, events, { faults: true });
    const acknowledged = later.told.filter(({ status, instance }) => status === 201 && instance);
    expect(acknowledged.filter(({ instance }) => instance!.revision <= begun[0]!.revision)).toEqual([]);
    expect(await api.ok('GET', '/api/v1/audit/verify')).toMatchObject({ valid: true, checked: events.length });

    for (const [n, node] of nodes.entries()) {
      await waitFor(
        'the node has the new epoch',
        async () => (await node.api.get(CONTENDED)).revision === head.revision,
      );
      const noted = await positions[n]!.stop();
      expect(new Set(noted.map(({ epoch }) => epoch))).toEqual(new Set([lost.head.epoch, head.epoch]));
      for (const [at, { epoch, revision }] of noted.slice(1).entries()) {
        expect(revision, 'a revision fell').toBeGreaterThanOrEqual(noted[at]!.revision);
        if (epoch !== noted[at]!.epoch) expect(revision).toBeGreaterThan(lost.head.revision);
      }
      const told = await node.api.get<{ instances: unknown[] }>(CONTENDED, { 'if-none-match': oldTag });
      expect(told.status, 'an ETag of the old epoch still counts').toBe(200);
      expect(told.headers.get('x-catalog-epoch')).toBe(head.epoch);
    }
    expect(await api.get(`/api/v1/audit/events?limit=2&order=asc&cursor=${nextCursor}`)).toMatchObject({
      status: 410,
      body: { code: 'REVISION_UNKNOWN', detail: expect.stringContaining('a history that has ended') },
    });
    // What was, up to the loss, and what is, are told alike across the epochs.
    expect((await api.get(`${CONTENDED}&asOf=${survived}`)).status).toBe(200);
    const present = await api.get<object>(CONTENDED);
    expect((await api.get(`${CONTENDED}&asOf=${present.revision}`)).body).toEqual(present.body);
    const gone = lost.head.revision;
    expect(await api.get(`${CONTENDED}&minRevision=${gone}`)).toMatchObject({
      status: 410,
      body: { code: 'REVISION_UNKNOWN' },
    });
    expect(await api.get(`${CONTENDED}&asOf=${gone}`)).toMatchObject({
      status: 410,
      body: { code: 'REVISION_UNKNOWN' },
    });
    for await (const frame of openWatch(api, '', { after: gone, in: 'since' }, AbortSignal.timeout(PATIENCE_MS))) {
      expect(frame).toMatchObject({ event: 'reset', data: { reason: 'new_epoch' } });
    }

    for (const watcher of watchers) {
      await waitFor('the watchers are at the head', () => watcher.position >= head.revision);
      await watcher.stop();
      expect(watcher.resets).toBeGreaterThan(0);
      const stretches = stretchesOf(watcher.connections);
      for (const stretch of stretches) {
        const log = isOld(stretch.after) ? lost.events : events;
        expect(stretchProblems(stretch, log, everything)).toEqual([]);
        if (isOld(stretch.after)) expect(stretch.frames.filter(({ data }) => !isOld(data.revision))).toEqual([]);
      }
      const renewed = watcher.connections.slice(
        watcher.connections.findLastIndex(({ frames }) => frames.some(({ event }) => event === 'reset')) + 1,
      );
      expect(watchProblems(renewed, events, everything, head.revision)).toEqual([]);
    }
  });
});
