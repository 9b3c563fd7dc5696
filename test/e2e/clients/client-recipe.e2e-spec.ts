import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
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

/** The node of all clients, and how the tests cut it off from its database. */
let database: TestDatabase;
let proxy: PostgresProxy;
let node: CatalogNode;

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

/** What one test has of its own: clients that register under one name, and the front that stands between them and the node. */
class Recipe {
  private static count = 0;
  readonly id = `c-${(Recipe.count += 1)}`;
  readonly path = `/api/v1/registry/services/recipe/instances/${this.id}`;
  private readonly directory: DisposableDirectory = disposableDirectory();
  private readonly clients: ServiceProcess[] = [];

  private constructor(readonly front: HttpFront) {}

  static async begin(): Promise<Recipe> {
    const front = HttpFront.at(node.api.url, await lastingPort());
    await front.open();
    return new Recipe(front);
  }

  async end(): Promise<void> {
    await Promise.all(this.clients.map(client => client.kill()));
    await this.front.shut();
    await this.directory.remove();
  }

  /** Starts a client. */
  start(command: readonly string[], env: Readonly<Record<string, string>> = {}): ServiceProcess {
    const given = {
      SERVICE: 'recipe',
      INSTANCE_ID: this.id,
      ADDRESS: '127.0.0.1',
      PORT: '8080',
      TTL_SECONDS: String(unhurried(3)),
    };
    const client = ServiceProcess.start(this.directory, command, {
      cwd: this.directory.path,
      env: { REGISTRY_URL: this.front.url, DRAIN_SECONDS: '0', ...given, ...env },
    });
    this.clients.push(client);
    return client;
  }

  /** Starts a client, and waits until it is registered. */
  async startRegistered(command: readonly string[], env?: Readonly<Record<string, string>>): Promise<ServiceProcess> {
    const client = this.start(command, env);
    await client.says(/registered as/);
    return client;
  }

  async found(): Promise<LeasedView | undefined> {
    const { status, body } = await node.api.get<LeasedView>(this.path);
    return status === 200 ? body : undefined;
  }

  async isGivenOut(): Promise<boolean> {
    const list = '/api/v1/discovery/services/recipe/instances';
    const { instances } = await node.api.ok<{ instances: LeasedView[] }>('GET', list);
    return instances.some(({ instanceId }) => instanceId === this.id);
  }

  async actions(): Promise<string[]> {
    const events = await eventsOf(node.api, 'service=recipe');
    return (
      events
        .filter(({ before, after }) => ((after ?? before) as Partial<LeasedView> | null)?.instanceId === this.id)
        .map(({ action }) => action)
        // A machine that is busy may let a lease of three seconds end.
        .filter(action => action !== 'instance.health_changed')
    );
  }

  registrations(): number {
    return this.front.lines.filter(line => REGISTRATION.test(line)).length;
  }

  heartbeats(): number {
    return this.front.lines.filter(line => HEARTBEAT.test(line)).length;
  }
}

/** Tests run at the same time, since they wait most of the time: for processes and for heartbeats. */
const it = test.extend('recipe', async ({ task: _task }, { onCleanup }) => {
  const recipe = await Recipe.begin();
  onCleanup(() => recipe.end());
  return recipe;
});

async function endsWell(client: ServiceProcess): Promise<void> {
  expect(await client.ended, client.output).toEqual({ code: 0, signal: null });
}

describe.each([
  { language: 'TypeScript', command: [process.execPath, join(ROOT, 'docs/examples/client.ts')], isHere: true },
  { language: 'Python', command: [PYTHON ?? 'python3', join(ROOT, 'docs/examples/client.py')], isHere: !!PYTHON },
])('The client in $language', ({ command, isHere }) => {
  it.runIf(isHere).concurrent(
    'registers, renews its lease, and on SIGTERM stops being given out before it goes',
    async ({ recipe }) => {
      const client = await recipe.startRegistered(command, { DRAIN_SECONDS });
      expect(await recipe.isGivenOut()).toBe(true);
      await waitFor('heartbeats', () => recipe.heartbeats() > 1);
      expect((await recipe.found())?.expiresAt).not.toBeNull();
      client.signal('SIGTERM');
      await waitFor('it is stopping', async () => (await recipe.found())?.status === 'stopping');
      expect(await recipe.isGivenOut()).toBe(false);
      const before = recipe.heartbeats();
      await waitFor('heartbeats go on meanwhile', () => recipe.heartbeats() > before);
      await endsWell(client);
      expect(client.output.trim().split('\n').at(-1)).toBe('deregistered');
      expect(await recipe.found()).toBeUndefined();
      expect(recipe.front.lines.at(-1)).toMatch(DEREGISTRATION);
      expect(await recipe.actions()).toEqual(['instance.registered', 'instance.override_set', 'instance.deregistered']);
    },
  );

  it.runIf(isHere).concurrent('registers again after somebody removed it', async ({ recipe }) => {
    const client = await recipe.startRegistered(command);
    const first = await recipe.found();
    expect((await node.api.send('DELETE', recipe.path)).status).toBe(204);
    await client.says(/(registered as[^]*){2}/);
    expect((await recipe.found())?.id).not.toBe(first?.id);
    client.signal('SIGTERM');
    await endsWell(client);
    expect(await recipe.found()).toBeUndefined();
  });

  it.runIf(isHere)('goes on while the database is away, and does not register anew', async ({ recipe }) => {
    const client = await recipe.startRegistered(command, { TTL_SECONDS: String(unhurried(6)) });
    const first = await recipe.found();
    await proxy.shut();
    try {
      await client.says(/heartbeat: 503 STORE_UNAVAILABLE; trying again/);
    } finally {
      await proxy.open();
    }
    const before = recipe.heartbeats();
    await waitFor('heartbeats are taken again', async () => {
      const { status, body } = await node.api.get<LeasedView>(recipe.path);
      return status === 200 && recipe.heartbeats() > before && body.status === 'healthy';
    });
    expect((await recipe.found())?.id).toBe(first?.id);
    expect(recipe.registrations()).toBe(1);
    client.signal('SIGTERM');
    await endsWell(client);
    expect(await recipe.found()).toBeUndefined();
  });

  it.runIf(isHere).concurrent(
    'waits for the heartbeat that is under way when it is told to end',
    async ({ recipe }) => {
      const client = await recipe.startRegistered(command);
      const held = recipe.front.hold(HEARTBEAT);
      await held.reached;
      client.signal('SIGTERM');
      await waitFor('it is stopping', async () => (await recipe.found())?.status === 'stopping');
      expect(recipe.front.lines.some(line => DEREGISTRATION.test(line))).toBe(false);
      held.release();
      await endsWell(client);
      expect(recipe.front.lines.at(-1)).toMatch(DEREGISTRATION);
      expect(recipe.registrations()).toBe(1);
      expect(await recipe.found()).toBeUndefined();
    },
  );

  it.runIf(isHere).concurrent(
    'does not register again when the heartbeat under way finds nothing',
    async ({ recipe }) => {
      const client = await recipe.startRegistered(command);
      const held = recipe.front.hold(HEARTBEAT);
      await held.reached;
      client.signal('SIGTERM');
      await waitFor('it is stopping', async () => (await recipe.found())?.status === 'stopping');
      await node.api.send('DELETE', recipe.path);
      held.release();
      await endsWell(client);
      expect(client.output).toContain('was not registered any more');
      expect(recipe.registrations()).toBe(1);
      expect(await recipe.found()).toBeUndefined();
    },
  );

  it.runIf(isHere).concurrent('does not register again when it is removed while it ends', async ({ recipe }) => {
    const client = await recipe.startRegistered(command, { DRAIN_SECONDS });
    client.signal('SIGTERM');
    await waitFor('it is stopping', async () => (await recipe.found())?.status === 'stopping');
    await node.api.send('DELETE', recipe.path);
    await client.says(/not registered any more/);
    await endsWell(client);
    expect(recipe.registrations()).toBe(1);
    expect(await recipe.found()).toBeUndefined();
  });

  it.runIf(isHere).concurrent('is given out again after a kill while it was stopping', async ({ recipe }) => {
    const killed = await recipe.startRegistered(command, { DRAIN_SECONDS: '600' });
    killed.signal('SIGTERM');
    await waitFor('it is stopping', async () => (await recipe.found())?.status === 'stopping');
    killed.signal('SIGKILL');
    await killed.ended;
    const next = await recipe.startRegistered(command);
    await waitFor('it is given out', () => recipe.isGivenOut());
    expect((await recipe.found())?.override).toBeNull();
    next.signal('SIGTERM');
    await endsWell(next);
  });

  it.runIf(isHere).concurrent('leaves the instance to the process that has taken its name', async ({ recipe }) => {
    const first = await recipe.startRegistered(command);
    const second = await recipe.startRegistered(command);
    await first.says(/another process has taken the instanceId/);
    first.signal('SIGTERM');
    await endsWell(first);
    expect(await recipe.isGivenOut()).toBe(true);
    second.signal('SIGTERM');
    await endsWell(second);
    expect(await recipe.found()).toBeUndefined();
  });

  it.runIf(isHere).concurrent(
    'waits for a registry that is not there yet, and bears one that goes away',
    async ({ recipe }) => {
      await recipe.front.shut();
      const client = recipe.start(command);
      await client.says(/registration: no response; trying again/);
      await recipe.front.open();
      await client.says(/registered as/);
      await recipe.front.shut();
      await client.says(/heartbeat: no response; trying again/);
      await recipe.front.open();
      const before = recipe.heartbeats();
      await waitFor('heartbeats are taken again', () => recipe.heartbeats() > before);
      expect(recipe.registrations()).toBe(1);
      client.signal('SIGTERM');
      await endsWell(client);
      expect(await recipe.found()).toBeUndefined();
    },
  );

  it.runIf(isHere).concurrent('does not wait for ever for an answer', async ({ recipe }) => {
    const client = await recipe.startRegistered(command);
    const held = recipe.front.hold(HEARTBEAT);
    await held.reached;
    await client.says(/heartbeat: no response; trying again/);
    const before = recipe.heartbeats();
    await waitFor('another heartbeat', () => recipe.heartbeats() > before);
    held.release();
    client.signal('SIGTERM');
    await endsWell(client);
    expect(await recipe.found()).toBeUndefined();
  });

  it.runIf(isHere).concurrent(
    'removes what a registration without a response has created after all',
    async ({ recipe }) => {
      const held = recipe.front.hold(REGISTRATION);
      const client = recipe.start(command);
      await held.reached;
      client.signal('SIGTERM');
      await waitFor('a deregistration', () => recipe.front.lines.some(line => DEREGISTRATION.test(line)));
      held.release();
      await endsWell(client);
      expect(client.output.trim().split('\n').at(-1)).toBe('deregistered');
      expect(recipe.registrations()).toBe(1);
      expect(await recipe.found()).toBeUndefined();
    },
  );

  it.runIf(isHere).concurrent(
    'tries for as long as the registry is busy, and no sooner than it is asked to',
    async ({ recipe }) => {
      recipe.front.answer(/./, { status: 429, headers: { 'retry-after': '1' } });
      const client = recipe.start(command);
      await waitFor('three tries', () => recipe.registrations() >= 3);
      const times = recipe.front.seen.filter(({ line }) => REGISTRATION.test(line)).map(({ atMs }) => atMs);
      for (const [n, atMs] of times.slice(1).entries()) expect(atMs - times[n]!).toBeGreaterThan(900);
      expect(client.output).toContain('registration: 429; trying again');
      recipe.front.answer();
      await client.says(/registered as/);
      recipe.front.answer(DEREGISTRATION, { status: 503 });
      client.signal('SIGTERM');
      await waitFor('two tries', () => recipe.front.lines.filter(line => DEREGISTRATION.test(line)).length >= 2);
      recipe.front.answer();
      await endsWell(client);
      expect(await recipe.found()).toBeUndefined();
    },
  );
});
