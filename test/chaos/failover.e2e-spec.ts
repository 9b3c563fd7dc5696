import { EPOCH_JUMP } from '@coordination/log/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Api, INSTANCES } from '../support/http/api.js';
import { assertCatalogInvariants } from '../support/catalog/catalog-invariants.js';
import { type CatalogNode, headOf, startNode } from '../support/catalog/catalog-service.js';
import { startMixedLoad } from '../support/http/mixed-load.js';
import { OwnPostgres } from '../support/database/own-postgres.js';
import { PostgresProxy } from '../support/database/postgres-proxy.js';
import { waitFor } from '../support/time/wait-for.js';

const NAMESPACES = '/api/v1/discovery/namespaces';

let primary: OwnPostgres;
let standby: OwnPostgres;
let proxy: PostgresProxy;
let node: CatalogNode;

beforeEach(async () => {
  primary = await OwnPostgres.start();
  standby = await primary.standby();
  proxy = await PostgresProxy.start(primary.url);
  node = await startNode(proxy.url, { PCS_VIEW_POLL_MS: '200', PCS_EPOCH_CONFIRM_MS: '500' });
});
afterEach(async () => {
  await node.close();
  await proxy.shut();
  await standby.remove();
  await primary.remove();
});

const change = (api: Api, seed: number) =>
  startMixedLoad({ apis: [api], seed, clients: 4, names: 4, operations: 15 }).finished;

const epochOf = async (api: Api) => (await api.get(NAMESPACES)).headers.get('x-catalog-epoch');

async function streamed(): Promise<number> {
  const revision = await headOf(node.api);
  await waitFor('the standby has it', async () => (await standby.revision()) === revision);
  return revision;
}

async function failOver(): Promise<void> {
  await primary.kill('SIGKILL');
  await promoteStandby();
}

async function promoteStandby(): Promise<void> {
  await standby.promote();
  proxy.leadTo(standby.url);
}

/** Registers through the node as soon as it takes writes. @returns the revision */
async function firstWrite(): Promise<number> {
  let revision = 0;
  await waitFor('a write is taken', async () => {
    const body = { service: 'orders', instanceId: 'after', host: '10.0.0.1', port: 80 };
    const answer = await node.api.send('POST', INSTANCES, body);
    revision = answer.revision;
    if (answer.status !== 201) expect(answer.status, JSON.stringify(answer.body)).toBe(503);
    return answer.status === 201;
  });
  return revision;
}

describe('a promoted standby', () => {
  it('that has everything changes nothing: the epoch goes on, also for nodes that start later', async () => {
    await change(node.api, 41);
    const revision = await streamed();
    const epoch = await epochOf(node.api);
    await failOver();
    expect(await firstWrite()).toBe(revision + 1);
    expect(await epochOf(node.api)).toBe(epoch);
    const late = await startNode(proxy.url);
    expect(await epochOf(late.api)).toBe(epoch);
    await late.close();
    const { events } = await assertCatalogInvariants(standby.url);
    expect(events.map(({ action }) => action)).not.toContain('catalog.epoch_started');
  });

  it('that lacks commits begins a new epoch above all that was told', async () => {
    await change(node.api, 42);
    const survived = await streamed();
    const epoch = await epochOf(node.api);
    await standby.kill('SIGQUIT');
    await change(node.api, 43);
    const lost = await headOf(node.api);
    expect(lost).toBeGreaterThan(survived);
    await primary.kill('SIGKILL');
    await standby.startAgain();
    await promoteStandby();
    expect(await firstWrite()).toBe(survived + EPOCH_JUMP + 1);
    expect(await epochOf(node.api)).not.toBe(epoch);
    const { events } = await assertCatalogInvariants(standby.url);
    expect(events.filter(({ action }) => action === 'catalog.epoch_started')).toMatchObject([
      { after: { previousRevision: survived, reason: 'log-shorter', lastKnownRevision: lost } },
    ]);
  });

  it('that nobody who runs knows begins a new epoch once its node has waited', async () => {
    await change(node.api, 44);
    const survived = await streamed();
    await node.close();
    await failOver();
    node = await startNode(proxy.url, { PCS_EPOCH_CONFIRM_MS: '500' });
    expect(await firstWrite()).toBe(survived + EPOCH_JUMP + 1);
    const { events } = await assertCatalogInvariants(standby.url);
    expect(events.filter(({ action }) => action === 'catalog.epoch_started')).toMatchObject([
      { after: { previousRevision: survived, reason: 'server-unconfirmed' } },
    ]);
  });
});
