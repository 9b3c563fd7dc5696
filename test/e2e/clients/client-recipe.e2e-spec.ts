import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type LeasedView } from '../../support/http/api.js';
import { type CatalogNode, eventsOf, startNode } from '../../support/catalog/catalog-service.js';
import { ROOT } from '../../support/nodes/command.js';
import { type DisposableDirectory, disposableDirectory } from '../../support/disposable-directory.js';
import { HttpFront } from '../../support/http/http-front.js';
import { lastingPort } from '../../support/database/lasting-port.js';
import { PostgresProxy } from '../../support/database/postgres-proxy.js';
import { ServiceProcess } from '../../support/nodes/service-process.js';
import { unhurried } from '../../support/time/slowness.js';
import { createTestDatabase, type TestDatabase } from '../../support/database/test-database.js';
import { waitFor } from '../../support/time/wait-for.js';

// Processes start, and time-outs of theirs pass.
const PYTHON = (process.env['PATH'] ?? '')
  .split(delimiter)
  .map(place => join(place, 'python3'))
  .find(file => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });

const TTL_SECONDS = unhurried(3);
/** Longer than it takes to notice that a client is stopping, and than its heartbeats are apart. */
const DRAIN_SECONDS = String(TTL_SECONDS + 2);

const HEARTBEAT = /^PUT .*\/heartbeat[?]/;
const REGISTRATION = /^POST /;
const DEREGISTRATION = /^DELETE /;

let database: TestDatabase;
let proxy: PostgresProxy;
let node: CatalogNode;
let directory: DisposableDirectory;
let front: HttpFront;
let clients: ServiceProcess[] = [];
let count = 0;

beforeAll(async () => {
  database = await createTestDatabase();
  proxy = await PostgresProxy.start(database.url);
  node = await startNode(proxy.url);
});
afterAll(async () => {
  await node.close();
  await proxy.shut();
  await database.drop();
});

beforeEach(async () => {
  directory = disposableDirectory();
  front = HttpFront.at(node.api.url, await lastingPort());
  await front.open();
  count += 1;
});
afterEach(async () => {
  await Promise.all(clients.map(client => client.kill()));
  clients = [];
  await front.shut();
  await directory.remove();
});

const id = () => `c-${count}`;
const path = () => `/api/v1/registry/services/recipe/instances/${id()}`;

const found = async () => {
  const { status, body } = await node.api.get<LeasedView>(path());
  return status === 200 ? body : undefined;
};
const isGivenOut = async () => {
  const list = '/api/v1/discovery/services/recipe/instances';
  const { instances } = await node.api.ok<{ instances: LeasedView[] }>('GET', list);
  return instances.some(({ instanceId }) => instanceId === id());
};
const actions = async () =>
  (await eventsOf(node.api, 'service=recipe'))
    .filter(({ before, after }) => ((after ?? before) as Partial<LeasedView> | null)?.instanceId === id())
    .map(({ action }) => action)
    // A machine that is busy may let a lease of three seconds end.
    .filter(action => action !== 'instance.health_changed');
const registrations = () => front.lines.filter(line => REGISTRATION.test(line)).length;
const heartbeats = () => front.lines.filter(line => HEARTBEAT.test(line)).length;

async function endsWell(client: ServiceProcess): Promise<void> {
  expect(await client.ended, client.output).toEqual({ code: 0, signal: null });
}

describe.each([
  { language: 'TypeScript', command: [process.execPath, join(ROOT, 'docs/examples/client.ts')], isHere: true },
  { language: 'Python', command: [PYTHON ?? 'python3', join(ROOT, 'docs/examples/client.py')], isHere: !!PYTHON },
])('The client in $language', ({ command, isHere }) => {
  function start(env: Record<string, string> = {}): ServiceProcess {
    const given = {
      SERVICE: 'recipe',
      INSTANCE_ID: id(),
      ADDRESS: '127.0.0.1',
      PORT: '8080',
      TTL_SECONDS: String(TTL_SECONDS),
    };
    const client = ServiceProcess.start(directory, command, {
      cwd: directory.path,
      env: { REGISTRY_URL: front.url, DRAIN_SECONDS: '0', ...given, ...env },
    });
    clients.push(client);
    return client;
  }

  async function startRegistered(env?: Record<string, string>): Promise<ServiceProcess> {
    const client = start(env);
    await client.says(/registered as/);
    return client;
  }

  it.runIf(isHere)('registers, renews its lease, and on SIGTERM stops being given out before it goes', async () => {
    const client = await startRegistered({ DRAIN_SECONDS });
    expect(await isGivenOut()).toBe(true);
    await waitFor('heartbeats', () => heartbeats() > 1);
    expect((await found())?.expiresAt).not.toBeNull();
    client.signal('SIGTERM');
    await waitFor('it is stopping', async () => (await found())?.status === 'stopping');
    expect(await isGivenOut()).toBe(false);
    const before = heartbeats();
    await waitFor('heartbeats go on meanwhile', () => heartbeats() > before);
    await endsWell(client);
    expect(client.output.trim().split('\n').at(-1)).toBe('deregistered');
    expect(await found()).toBeUndefined();
    expect(front.lines.at(-1)).toMatch(DEREGISTRATION);
    expect(await actions()).toEqual(['instance.registered', 'instance.override_set', 'instance.deregistered']);
  });

  it.runIf(isHere)('registers again after somebody removed it', async () => {
    const client = await startRegistered();
    const first = await found();
    expect((await node.api.send('DELETE', path())).status).toBe(204);
    await client.says(/(registered as[^]*){2}/);
    expect((await found())?.id).not.toBe(first?.id);
    client.signal('SIGTERM');
    await endsWell(client);
    expect(await found()).toBeUndefined();
  });

  it.runIf(isHere)('goes on while the database is away, and does not register anew', async () => {
    const client = await startRegistered({ TTL_SECONDS: String(unhurried(6)) });
    const first = await found();
    await proxy.shut();
    try {
      await client.says(/heartbeat: 503 STORE_UNAVAILABLE; trying again/);
    } finally {
      await proxy.open();
    }
    const before = heartbeats();
    await waitFor('heartbeats are taken again', async () => {
      const { status, body } = await node.api.get<LeasedView>(path());
      return status === 200 && heartbeats() > before && body.status === 'healthy';
    });
    expect((await found())?.id).toBe(first?.id);
    expect(registrations()).toBe(1);
    client.signal('SIGTERM');
    await endsWell(client);
    expect(await found()).toBeUndefined();
  });

  it.runIf(isHere)('waits for the heartbeat that is under way when it is told to end', async () => {
    const client = await startRegistered();
    const held = front.hold(HEARTBEAT);
    await held.reached;
    client.signal('SIGTERM');
    await waitFor('it is stopping', async () => (await found())?.status === 'stopping');
    expect(front.lines.some(line => DEREGISTRATION.test(line))).toBe(false);
    held.release();
    await endsWell(client);
    expect(front.lines.at(-1)).toMatch(DEREGISTRATION);
    expect(registrations()).toBe(1);
    expect(await found()).toBeUndefined();
  });

  it.runIf(isHere)('does not register again when the heartbeat under way finds nothing', async () => {
    const client = await startRegistered();
    const held = front.hold(HEARTBEAT);
    await held.reached;
    client.signal('SIGTERM');
    await waitFor('it is stopping', async () => (await found())?.status === 'stopping');
    await node.api.send('DELETE', path());
    held.release();
    await endsWell(client);
    expect(client.output).toContain('was not registered any more');
    expect(registrations()).toBe(1);
    expect(await found()).toBeUndefined();
  });

  it.runIf(isHere)('does not register again when it is removed while it ends', async () => {
    const client = await startRegistered({ DRAIN_SECONDS });
    client.signal('SIGTERM');
    await waitFor('it is stopping', async () => (await found())?.status === 'stopping');
    await node.api.send('DELETE', path());
    await client.says(/not registered any more/);
    await endsWell(client);
    expect(registrations()).toBe(1);
    expect(await found()).toBeUndefined();
  });

  it.runIf(isHere)('is given out again after a kill while it was stopping', async () => {
    const killed = await startRegistered({ DRAIN_SECONDS: '600' });
    killed.signal('SIGTERM');
    await waitFor('it is stopping', async () => (await found())?.status === 'stopping');
    killed.signal('SIGKILL');
    await killed.ended;
    const next = await startRegistered();
    await waitFor('it is given out', isGivenOut);
    expect((await found())?.override).toBeNull();
    next.signal('SIGTERM');
    await endsWell(next);
  });

  it.runIf(isHere)('leaves the instance to the process that has taken its name', async () => {
    const first = await startRegistered();
    const second = await startRegistered();
    await first.says(/another process has taken the instanceId/);
    first.signal('SIGTERM');
    await endsWell(first);
    expect(await isGivenOut()).toBe(true);
    second.signal('SIGTERM');
    await endsWell(second);
    expect(await found()).toBeUndefined();
  });

  it.runIf(isHere)('waits for a registry that is not there yet, and bears one that goes away', async () => {
    await front.shut();
    const client = start();
    await client.says(/registration: no response; trying again/);
    await front.open();
    await client.says(/registered as/);
    await front.shut();
    await client.says(/heartbeat: no response; trying again/);
    await front.open();
    const before = heartbeats();
    await waitFor('heartbeats are taken again', () => heartbeats() > before);
    expect(registrations()).toBe(1);
    client.signal('SIGTERM');
    await endsWell(client);
    expect(await found()).toBeUndefined();
  });

  it.runIf(isHere)('does not wait for ever for an answer', async () => {
    const client = await startRegistered();
    const held = front.hold(HEARTBEAT);
    await held.reached;
    await client.says(/heartbeat: no response; trying again/);
    const before = heartbeats();
    await waitFor('another heartbeat', () => heartbeats() > before);
    held.release();
    client.signal('SIGTERM');
    await endsWell(client);
    expect(await found()).toBeUndefined();
  });

  it.runIf(isHere)('removes what a registration without a response has created after all', async () => {
    const held = front.hold(REGISTRATION);
    const client = start();
    await held.reached;
    client.signal('SIGTERM');
    await waitFor('a deregistration', () => front.lines.some(line => DEREGISTRATION.test(line)));
    held.release();
    await endsWell(client);
    expect(client.output.trim().split('\n').at(-1)).toBe('deregistered');
    expect(registrations()).toBe(1);
    expect(await found()).toBeUndefined();
  });

  it.runIf(isHere)('tries for as long as the registry is busy, and no sooner than it is asked to', async () => {
    front.answer(/./, { status: 429, headers: { 'retry-after': '1' } });
    const client = start();
    await waitFor('three tries', () => registrations() >= 3);
    const times = front.seen.filter(({ line }) => REGISTRATION.test(line)).map(({ atMs }) => atMs);
    for (const [n, atMs] of times.slice(1).entries()) expect(atMs - times[n]!).toBeGreaterThan(900);
    expect(client.output).toContain('registration: 429; trying again');
    front.answer();
    await client.says(/registered as/);
    front.answer(DEREGISTRATION, { status: 503 });
    client.signal('SIGTERM');
    await waitFor('two tries', () => front.lines.filter(line => DEREGISTRATION.test(line)).length >= 2);
    front.answer();
    await endsWell(client);
    expect(await found()).toBeUndefined();
  });
});
