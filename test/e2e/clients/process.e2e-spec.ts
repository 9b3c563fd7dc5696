import { once } from 'node:events';
import { mkdirSync, statSync, utimesSync } from 'node:fs';
import { appendFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { memoryShares } from '@coordination/config';
import { openApiJson, openApiYaml } from '@coordination/http';
import { describeApi } from '../../../apps/coordination/src/documentation/api-document.js';
import { copyCheckout } from '../../support/nodes/checkout.js';
import { type DisposableDirectory, disposableDirectory } from '../../support/disposable-directory.js';
import { lastingPort } from '../../support/database/lasting-port.js';
import { serversBelow, ServiceProcess } from '../../support/nodes/service-process.js';
import { unhurried } from '../../support/time/slowness.js';
import { waitFor } from '../../support/time/wait-for.js';
import { eventually } from '../../support/time/eventually.js';

const START = ['npm', 'start'];
const MAIN = [process.execPath, 'dist/apps/coordination/src/main.js'];

let directory: DisposableDirectory;
let checkout: string;
let started: ServiceProcess[] = [];

function start(command: readonly string[], env: Record<string, string> = {}): ServiceProcess {
  const service = ServiceProcess.start(directory, command, { cwd: checkout, env });
  started.push(service);
  return service;
}

/** Directory of the data: another one where only root can enter the checkout. */
async function dataHome(): Promise<string> {
  const asked = join(checkout, '.data/postgres');
  return (await readFile(join(asked, 'moved-to'), 'utf8').catch(() => asked)).trim();
}

async function nothingIsLeft(service: ServiceProcess): Promise<void> {
  expect(await service.members()).toEqual([]);
  expect(await serversBelow(await dataHome())).toEqual([]);
}

/** The limit of the heap (bytes) of the process that answers, as V8 reports it. */
async function heapLimitOf(url: string): Promise<number> {
  const { details } = (await (await fetch(`${url}/health`)).json()) as {
    details: { memory: { heapLimitBytes: number } };
  };
  return details.memory.heapLimitBytes;
}

/** When the build was made, as the scripts see it: what is older than its sources is compiled again. */
const setBuilt = (time: Date | number): void => utimesSync(join(checkout, 'dist/.built'), time, time);

const listened = (service: ServiceProcess, times: number) => service.says(new RegExp(`(?:Listening on[^]*){${times}}`));

beforeAll(async () => {
  directory = disposableDirectory();
  checkout = join(directory.path, 'checkout');
  mkdirSync(checkout);
  copyCheckout(checkout);
  const built = ServiceProcess.start(directory, ['node', 'scripts/build.mjs'], {
    cwd: checkout,
    env: { PATH: `${checkout}/node_modules/.bin:${process.env['PATH']}` },
  });
  const { code } = await built.ended;
  expect(code, built.output).toBe(0);
});
// What a test that failed has left behind would fail all that come after it.
afterEach(async () => {
  await Promise.all(started.map(service => service.kill()));
  started = [];
});
afterAll(() => directory.remove());

describe('make dev', () => {
  const RUN = 'apps/coordination/src/run.ts';
  const changed = (text: string) => appendFile(join(checkout, RUN), text);

  // The sources are as they were built, but newer.
  afterAll(() => setBuilt(new Date()));

  // The first one, because it waits until all types are checked: later starts begin from what tsc has stored then.
  it('tells of wrong types, but does not wait for that to reload', async () => {
    const before = await readFile(join(checkout, RUN), 'utf8');
    const service = start(['make', 'dev']);
    await service.url();
    await changed("export const wrong: number = 'text';\n");
    await listened(service, 2);
    await service.says(/types: .*run[.]ts[(]\d+,14[)]: error TS2322/);
    await writeFile(join(checkout, RUN), before);
    await listened(service, 3);
    service.signal('SIGTERM');
    await service.ended;
    await nothingIsLeft(service);
  });

  it('reloads after a change of the sources, on the same database server', async () => {
    const service = start(['make', 'dev']);
    await service.url();
    const servers = await serversBelow(await dataHome());
    await changed('\n');
    await listened(service, 2);
    expect(await serversBelow(await dataHome())).toEqual(servers);
    service.signal('SIGTERM');
    await service.ended;
    await nothingIsLeft(service);
  });

  it('tells of what is no TypeScript, serves as before, and reloads when it is mended', async () => {
    const before = await readFile(join(checkout, RUN), 'utf8');
    const service = start(['make', 'dev'], { PORT: String(await lastingPort()) });
    const url = await service.url();
    await changed('const a = ;\n');
    await service.says(/run[.]ts[(]\d+,11[)]: error TS1109: Expression expected[.][^]*Not reloaded/);
    expect((await fetch(`${url}/health/live`)).status).toBe(200);
    await writeFile(join(checkout, RUN), before);
    await listened(service, 2);
    service.signal('SIGTERM');
    await service.ended;
    await nothingIsLeft(service);
  });

  it('tells of a service that ends by itself, and starts it again after a change', async () => {
    const before = await readFile(join(checkout, RUN), 'utf8');
    const service = start(['make', 'dev']);
    await service.url();
    await changed("throw new Error('out of order');\n");
    await service.says(/out of order[^]*The service ended [(]exit code 1[)]/);
    await writeFile(join(checkout, RUN), before);
    await listened(service, 2);
    service.signal('SIGTERM');
    await service.ended;
    await nothingIsLeft(service);
  });

  it.each([
    ['itself', /scripts\/dev[.]mjs/],
    ['npm', /^npm run /],
  ])('leaves nothing behind after a kill -9 of %s', async (_what, pattern) => {
    const service = start(['make', 'dev']);
    await service.url();
    await service.killMember(pattern);
    await waitFor(
      'all processes have ended',
      async () => (await service.members()).length === 0 && (await serversBelow(await dataHome())).length === 0,
    );
  });
});

describe('the build', () => {
  it('starts with few files: neither a second copy of a package, nor what is seldom used', async () => {
    const list = join(directory.path, 'modules');
    const service = start(MAIN, {
      NODE_OPTIONS: `--import ${pathToFileURL(resolve('test/support/nodes/list-modules.mjs')).href}`,
      LOADED_MODULES: list,
    });
    const url = await service.url();
    const isServed = async () => (await fetch(`${url}/api/v1/discovery/services`)).status === 200;
    await waitFor('the catalog is loaded', isServed);
    service.signal('SIGTERM');
    await service.ended;
    const modules = [...new Set((await readFile(list, 'utf8')).trim().split('\n'))];
    // That the list is that of the service.
    expect(modules.filter(module => module.endsWith('/dist/apps/coordination/src/main.js'))).toHaveLength(1);
    expect(modules.length).toBeLessThanOrEqual(200);
    const { dependencies } = JSON.parse(await readFile('package.json', 'utf8')) as { dependencies: object };
    const isOf = (name: string) => modules.some(module => module.includes(`/node_modules/${name}/`));
    expect([...Object.keys(dependencies), 'kysely', 'protobufjs'].filter(isOf)).toEqual([]);
  });

  it('names the source and the line of our own code in stacks', async () => {
    const maps = (await readdir(join(checkout, 'dist/apps/coordination/src/chunks'))).filter(name =>
      name.endsWith('.map'),
    );
    const sources = await Promise.all(
      maps.map(async name => {
        const text = await readFile(join(checkout, 'dist/apps/coordination/src/chunks', name), 'utf8');
        return (JSON.parse(text) as { sources: string[] }).sources;
      }),
    );
    expect(sources.flat().some(source => source.endsWith('libs/database/src/connections/databases.ts'))).toBe(true);
    expect(sources.flat().filter(source => source.includes('node_modules/'))).toEqual([]);
  });
});

describe.each([
  { name: 'npm start', command: START },
  { name: 'make start', command: ['make', 'start'] },
  { name: 'make dev', command: ['make', 'dev'] },
])('$name', ({ command }) => {
  async function endsWell(service: ServiceProcess, signal: NodeJS.Signals) {
    // make ends by the signal that it got, whatever its recipe answered; but it tells when that failed.
    expect(await service.ended).toEqual(command[0] === 'make' ? { code: null, signal } : { code: 0, signal: null });
    expect(service.output).not.toMatch(/Error \d+/);
    expect(service.output).toContain(`${signal} received`);
    await nothingIsLeft(service);
  }

  it('ends well, with all that it started, on SIGTERM to the top process alone', async () => {
    const service = start(command);
    const url = await service.url();
    expect((await fetch(`${url}/nothing-here`)).status).toBe(404);
    service.signal('SIGTERM');
    await endsWell(service, 'SIGTERM');
  });

  it('ends well, with all that it started, on Ctrl-C, with a heap within the memory budget', async () => {
    const service = start(command, { PCS_MEMORY_BUDGET_MB: '400' });
    expect(await heapLimitOf(await service.url())).toBe(memoryShares({ PCS_MEMORY_BUDGET_MB: 400 }).heapLimit);
    service.signalGroup('SIGINT');
    await endsWell(service, 'SIGINT');
  });

  it('says that its port is taken, with the setting, before anything is compiled or started', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    setBuilt(0);
    const service = start(command, { PORT: String(port) });
    const { code } = await service.ended;
    expect(code).not.toBe(0);
    const lines = service.output.split('\n').filter(line => line !== '' && !/^(make\b|npm\b|> )/.test(line));
    expect(lines).toEqual([expect.stringMatching(new RegExp(`^PORT=${port} is taken .*127[.]0[.]0[.]1:${port}[.]`))]);
    expect(statSync(join(checkout, 'dist/.built')).mtimeMs).toBe(0);
    await nothingIsLeft(service);
    other.close();
    setBuilt(new Date());
  });

  it.each([
    [{ HOST: '203.0.113.7' }, /^HOST=203[.]0[.]113[.]7 is no address of this machine/m],
    [{ HOST: 'nowhere.invalid' }, /^HOST=nowhere[.]invalid cannot be resolved/m],
    [{ HOST: '127.0.0.1:8081' }, /^Bad settings: HOST must be an address or a name of this machine/m],
    [{ PORT: '"8081"' }, /^Bad settings: PORT is in quotation marks/m],
  ])('does not start with %j, and says why', async (env, line) => {
    const service = start(command, env);
    expect((await service.ended).code).not.toBe(0);
    expect(service.output).toMatch(line);
    expect(service.output).not.toMatch(/\n {4}at /);
    await nothingIsLeft(service);
  });

  it('does not start with a wrong setting, and says which in one line', async () => {
    const service = start(command, { PCS_WRITE_BATCH_MAX: 'many' });
    const { code } = await service.ended;
    expect(code).not.toBe(0);
    const lines = service.output.split('\n').filter(line => line.includes('PCS_WRITE_BATCH_MAX'));
    expect(lines).toEqual(['Bad settings: PCS_WRITE_BATCH_MAX must be a whole number from 1 to 10000.']);
    await nothingIsLeft(service);
  });
});

describe('the service process', () => {
  it('refuses the embedded PostgreSQL in production', async () => {
    const service = start(MAIN, { NODE_ENV: 'production' });
    expect(await service.ended).toEqual({ code: 1, signal: null });
    expect(service.output.trim().split('\n')).toEqual([expect.stringContaining('DATABASE_URL must be set')]);
  });

  it('ends with one line when its port is taken, and leaves no database behind', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const service = start(MAIN, { PORT: String(port) });
    expect(await service.ended).toEqual({ code: 1, signal: null });
    const lines = service.output.trim().split('\n');
    expect(lines).toEqual([expect.stringMatching(new RegExp(`^PORT=${port} is taken [(]EADDRINUSE[)].*:${port}[.]`))]);
    await nothingIsLeft(service);
    other.close();
  });

  it('ends well when it is told to while it still starts', async () => {
    const service = start(MAIN);
    await eventually(async () => expect(await serversBelow(await dataHome())).not.toEqual([]));
    service.signal('SIGTERM');
    expect(await service.ended).toEqual({ code: 0, signal: null });
    await nothingIsLeft(service);
  });

  it('serves the documents that the build made, which are those of the sources', async () => {
    const service = start(MAIN);
    const url = await service.url();
    const document = await describeApi();
    for (const [path, expected] of [
      ['/openapi.json', openApiJson(document)],
      ['/openapi.yaml', openApiYaml(document)],
    ] as const)
      expect(await (await fetch(`${url}${path}`)).text(), path).toBe(expected);
    expect(service.output).not.toContain('no OpenAPI document of this build');
  });

  it('makes documents at the first request rather than serving those of an earlier build', async () => {
    const stale = join(checkout, 'dist/documents/openapi.json');
    const { mtime } = statSync(stale);
    const text = await readFile(stale);
    await writeFile(stale, '{"paths":{}}');
    utimesSync(stale, new Date(0), new Date(0));
    const service = start(MAIN);
    const url = await service.url();
    expect(await (await fetch(`${url}/openapi.json`)).text()).toBe(String(text));
    expect(service.output).toContain('no OpenAPI document of this build');
    await writeFile(stale, text);
    utimesSync(stale, mtime, mtime);
  });

  it('has a heap within its memory budget, in the process that was started', async () => {
    const service = start(MAIN, { PCS_MEMORY_BUDGET_MB: '300', NODE_OPTIONS: '--max-old-space-size=1000' });
    expect(await heapLimitOf(await service.url())).toBe(memoryShares({ PCS_MEMORY_BUDGET_MB: 300 }).heapLimit);
    // A supervisor signals the process that it has started.
    service.signal('SIGTERM');
    expect(await service.ended).toEqual({ code: 0, signal: null });
    await nothingIsLeft(service);
  });

  it('takes its database over after a kill -9', async () => {
    const killed = start(MAIN);
    await killed.says(/Listening/);
    killed.signal('SIGKILL');
    await killed.ended;
    const before = await serversBelow(await dataHome());
    expect(before).toHaveLength(1);
    const next = start(MAIN);
    await next.says(/Listening/);
    expect(await serversBelow(await dataHome())).toEqual(before);
    next.signal('SIGTERM');
    expect(await next.ended).toEqual({ code: 0, signal: null });
    await nothingIsLeft(next);
  });

  it('shares the build and the database with a second one of the same checkout, started at the same moment', async () => {
    setBuilt(0);
    const services = [start(START), start(START)];
    const urls = await Promise.all(services.map(service => service.url()));
    expect(new Set(urls).size).toBe(2);
    expect(await serversBelow(await dataHome())).toHaveLength(1);
    for (const service of services) {
      expect(await serversBelow(await dataHome())).toHaveLength(1);
      service.signal('SIGTERM');
      expect(await service.ended).toEqual({ code: 0, signal: null });
    }
    expect(await serversBelow(await dataHome())).toEqual([]);
  });

  describe('with a request in flight', () => {
    const BODY = JSON.stringify({ service: 'orders', host: '10.0.0.1', port: 8080 });

    /** Sends a registration but for its last byte, once the service takes registrations. */
    async function register(url: string) {
      await eventually(async () => expect((await fetch(`${url}/health/startup`)).status).toBe(200));
      const sending = request(`${url}/api/v1/registry/instances`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'content-length': BODY.length },
      });
      sending.write(BODY.slice(0, -1));
      const answered = once(sending, 'response').then(([response]) => (response as IncomingMessage).statusCode);
      // The service is told of the request before the test goes on: it answers this one on the same event loop.
      await fetch(`${url}/health/live`);
      return { answered, finish: () => sending.end(BODY.at(-1)) };
    }

    it('says that it is not ready, lets the request finish, and ends', async () => {
      const service = start(MAIN, { PCS_SHUTDOWN_DRAIN_SECONDS: String(unhurried(3)) });
      const url = await service.url();
      const { answered, finish } = await register(url);
      expect((await fetch(`${url}/health/ready`)).status).toBe(200);
      service.signal('SIGTERM');
      await eventually(async () => expect((await fetch(`${url}/health/ready`)).status).toBe(503));
      expect((await fetch(`${url}/health/live`)).status).toBe(200);
      // Well after the drain, when the service takes no connections any more.
      await eventually(() => expect(fetch(`${url}/health/live`)).rejects.toThrow());
      finish();
      expect(await answered).toBe(201);
      expect(await service.ended).toEqual({ code: 0, signal: null });
      await nothingIsLeft(service);
    });

    it('ends after the grace period, with an error, when the request does not', async () => {
      const service = start(MAIN, { PCS_SHUTDOWN_GRACE_SECONDS: '1' });
      const { answered } = await register(await service.url());
      service.signal('SIGTERM');
      await expect(answered).rejects.toThrow(/socket hang up|ECONNRESET/);
      expect(await service.ended).toEqual({ code: 1, signal: null });
      expect(service.output).toContain('Not finished after 1 s');
      await nothingIsLeft(service);
    });
  });

  it('ends with a line that names the URL of a database that asks for what there is not', async () => {
    const url = 'postgres://pcs:secret@127.0.0.1:1/none?sslmode=verify_full';
    for (const name of ['DATABASE_URL', 'DATABASE_LISTEN_URL', 'DATABASE_MIGRATION_URL']) {
      const service = start(MAIN, { DATABASE_URL: 'postgres://127.0.0.1:1/none', [name]: url });
      expect(await service.ended).toEqual({ code: 1, signal: null });
      expect(service.output).toMatch(new RegExp(`^${name}: sslmode in the URL of the database must be one of `, 'm'));
      expect(service.output).not.toContain('secret');
    }
  });

  it('lives and waits while its database cannot be reached', async () => {
    const service = start(MAIN, {
      DATABASE_URL: 'postgres://nobody:nothing@127.0.0.1:1/none',
      PCS_MIGRATE_ON_START: 'on',
    });
    const url = await service.url();
    await service.says(/ECONNREFUSED/);
    const statuses = ['live', 'startup', 'ready'].map(async probe => (await fetch(`${url}/health/${probe}`)).status);
    expect(await Promise.all(statuses)).toEqual([200, 503, 503]);
    service.signal('SIGTERM');
    expect(await service.ended).toEqual({ code: 0, signal: null });
  });
});
