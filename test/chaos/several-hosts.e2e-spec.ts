import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Api } from '../support/http/api.js';
import { assertCatalogInvariants } from '../support/catalog/catalog-invariants.js';
import { type CatalogNode, discover, startNode } from '../support/catalog/catalog-service.js';
import { type DisposableDirectory, disposableDirectory } from '../support/disposable-directory.js';
import { assertAnswersAreTrue, type MixedLoad, startMixedLoad } from '../support/http/mixed-load.js';
import { OwnPostgres } from '../support/database/own-postgres.js';
import { urlOfAll } from '../support/database/several-servers.js';
import { type SpawnedNode, spawnLoadedNode } from '../support/nodes/spawned-node.js';
import { eventually } from '../support/time/eventually.js';
import { PATIENCE_MS, waitFor } from '../support/time/wait-for.js';
import { startWatching, type Watching } from '../support/watch/watching.js';

const WRITERS = 20;
const NAMESPACES = '/api/v1/discovery/namespaces';

let directory: DisposableDirectory;
let primary: OwnPostgres;
let standby: OwnPostgres;
let url: string;
let node: CatalogNode;
let other: SpawnedNode;

beforeEach(async () => {
  directory = disposableDirectory();
  primary = await OwnPostgres.start();
  standby = await primary.standby();
  await primary.waitForStandby();
  url = urlOfAll([primary.url, standby.url], { target_session_attrs: 'read-write' });
  node = await startNode(url);
  other = await spawnLoadedNode(directory, url, { PCS_LEASE_FLUSH_BOUND_MS: '5000' });
});

afterEach(async () => {
  await node.close();
  await other.process.kill();
  await standby.remove();
  await primary.remove();
  await directory.remove();
});

const apis = (): Api[] => [node.api, other.api];
const epochOf = async (api: Api) => (await api.get(NAMESPACES)).headers.get('x-catalog-epoch');

async function goesOn(load: MixedLoad, what: string): Promise<void> {
  const before = load.acknowledged();
  await waitFor(what, () => load.acknowledged() > before + 5 * WRITERS, PATIENCE_MS);
}

/** All that was acknowledged is in the log of a server, each revision once, and in the view of each node. */
async function assertNothingIsLost(load: MixedLoad, server: OwnPostgres): Promise<void> {
  await load.stop();
  const { events, head } = await assertCatalogInvariants(server.url);
  assertAnswersAreTrue(load.told, events, { faults: true });
  expect(events.map(({ revision }) => revision)).toEqual(events.map((_event, index) => index + 1));
  expect(events.map(({ action }) => action)).not.toContain('catalog.epoch_started');
  for (const api of apis()) {
    await waitFor('the view is at the head', async () => (await api.get(NAMESPACES)).revision === head.revision);
  }
}

const isReset = ({ event }: { readonly event: string }) => event === 'reset';

describe('Nodes that know the primary and its synchronous standby', () => {
  it('go on with the standby when the primary is killed under load and the standby promoted', async () => {
    const epoch = await epochOf(node.api);
    const watches: Watching[] = apis().map(api => startWatching(api, 'service=contended'));
    const load = startMixedLoad({ apis: apis(), seed: 61, clients: WRITERS, names: 8 });
    await waitFor('the load is under way', () => load.acknowledged() > 10 * WRITERS, PATIENCE_MS);
    await primary.kill('SIGKILL');
    await waitFor(
      'callers are told',
      () => load.told.filter(({ code }) => code === 'STORE_UNAVAILABLE').length > WRITERS,
    );
    await standby.promote();
    await goesOn(load, 'writes go on');

    // Also when the former primary is back: as a standby, or as a server that only reads.
    for (const what of ['standby', 'read-only'] as const) {
      await primary.startAgainAs(what);
      const revision = await primary.revision();
      await goesOn(load, `writes go on beside a former primary that is ${what}`);
      const late = await startNode(url);
      expect((await late.api.register({ service: 'late', instanceId: what })).revision).toBeGreaterThan(revision);
      expect(await epochOf(late.api)).toBe(epoch);
      await late.close();
      expect(await primary.revision()).toBe(revision);
      await primary.kill('SIGKILL');
    }

    await assertNothingIsLost(load, standby);
    for (const api of apis()) expect(await epochOf(api)).toBe(epoch);
    const { revision } = await node.api.register({ service: 'contended', instanceId: 'after' });
    for (const watch of watches) {
      await watch.until('the watch goes on', ({ data }) => data.revision >= revision);
      expect(watch.frames.filter(isReset)).toEqual([]);
      await watch.stop();
    }
  });

  it('start and go on with whichever is there: the first down, both down, one up', async () => {
    await node.api.register();
    await primary.kill('SIGKILL');
    await standby.promote();
    const late = await startNode(url);
    expect((await discover(late.api)).instances).toHaveLength(1);
    const load = startMixedLoad({ apis: [...apis(), late.api], seed: 62, clients: WRITERS, names: 8 });
    await goesOn(load, 'writes go on');
    await standby.kill('SIGKILL');
    await waitFor(
      'callers are told',
      () => load.told.filter(({ code }) => code === 'STORE_UNAVAILABLE').length > WRITERS,
    );
    // The last of the connections that the server has cut may be noticed after all others.
    await eventually(async () => {
      const { body } = await node.api.get<{ details: { database: { status: string; lastError?: object } } }>('/health');
      expect(body.details.database).toMatchObject({ status: 'degraded', lastError: { code: 'ECONNREFUSED' } });
      expect(JSON.stringify(body)).not.toContain(new URL(primary.url).password);
    });
    await standby.startAgain();
    await goesOn(load, 'writes go on once one is up');
    await late.close();
    await assertNothingIsLost(load, standby);
  });
});
