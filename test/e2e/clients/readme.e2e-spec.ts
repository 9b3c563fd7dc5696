import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Application, startApplication } from '../../support/nodes/application.js';
import { lastingPort } from '../../support/database/lasting-port.js';
import { createTestDatabase, type TestDatabase } from '../../support/database/test-database.js';

const run = promisify(execFile);
const README = resolve(import.meta.dirname, '../../../README.md');
const BLOCK = /^```bash\n([^]*?)^```$/gm;
/** The one line of the README that is not run word for word. */
const ADDRESS = 'PCS=http://127.0.0.1:8081';
/** Stands between the answers; no answer has it. */
const MARK = '<<< end of block >>>';

/** One answer as `curl -i` prints it. */
interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** Where the stand-in for curl is found as `curl`. */
let standIn: string;
let database: TestDatabase;
let application: Application;
let blocks: readonly string[];
let outputs: readonly string[];

/** The calls need nothing that Node.js does not bring: where the machine has no curl, ours does what they ask of it. */
const CURLS = ['curl', 'stand-in'] as const;

beforeAll(async () => {
  blocks = [...readFileSync(README, 'utf8').matchAll(BLOCK)].map(([, block = '']) => block);
  standIn = await mkdtemp(join(tmpdir(), 'readme-'));
  const script = `#!/bin/sh\nexec '${process.execPath}' '${resolve(import.meta.dirname, '../../support/http/curl.mjs')}' "$@"\n`;
  await writeFile(join(standIn, 'curl'), script, { mode: 0o755 });
});
afterAll(async () => {
  await rm(standIn, { recursive: true, force: true });
});

const has = (tool: string): Promise<boolean> => run(tool, ['--version']).then(Boolean, () => false);

/** Runs all blocks in one shell, as somebody who pastes them does, and gives the output of each. */
async function runBlocks(scripts: readonly string[], curl: (typeof CURLS)[number]): Promise<string[]> {
  const [shell, env] = await shellWith(curl);
  const strict = shell === 'bash' ? 'set -eu -o pipefail' : 'set -eu';
  const script = [strict, ...scripts.map(block => `${block}\nprintf '%s\\n' '${MARK}'`)].join('\n');
  expect(script.split(ADDRESS)).toHaveLength(2);
  const { stdout } = await run(shell, ['-c', script.replace(ADDRESS, `PCS=${application.url}`)], { env });
  return stdout.split(`${MARK}\n`).slice(0, -1);
}

/** A shell, and the environment in which it finds this curl. */
async function shellWith(curl: (typeof CURLS)[number]): Promise<[shell: 'bash' | 'sh', env: NodeJS.ProcessEnv]> {
  const isOurs = curl === 'stand-in' || !(await has('curl'));
  const path = isOurs ? `${standIn}${delimiter}${process.env['PATH']}` : process.env['PATH'];
  return [(await has('bash')) ? 'bash' : 'sh', { ...process.env, PATH: path }];
}

/** The block that has a text, and what it printed. */
function answersTo(part: string): Answer[] {
  const index = blocks.findIndex(block => block.includes(part));
  if (index === -1) throw new Error(`No block of README.md has ${part}.`);
  return answersIn(outputs[index] ?? '');
}

function answersIn(output: string): Answer[] {
  return output
    .split(/(?=HTTP\/1\.1 \d{3} )/)
    .filter(part => part.startsWith('HTTP/1.1'))
    .map(part => {
      const [head = '', ...rest] = part.split('\r\n\r\n');
      const [statusLine = '', ...lines] = head.split('\r\n');
      const headers = lines.map(line => line.split(/: (.*)/s, 2) as [string, string]);
      const content = rest.join('\r\n\r\n').trim();
      return {
        status: Number(statusLine.split(' ')[1]),
        headers: Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value])),
        body: content === '' ? undefined : (JSON.parse(content) as unknown),
      };
    });
}

describe.each(CURLS)('the calls of the README, by %s', curl => {
  beforeAll(async () => {
    database = await createTestDatabase();
    application = await startApplication({ databaseUrl: database.url });
    outputs = await runBlocks(blocks, curl);
  });
  afterAll(async () => {
    await application?.close();
    await database?.drop();
  });

  it('have the statuses that their comments tell, in order', () => {
    const told = blocks.map(block => [...block.matchAll(/^# (\d{3})\b/gm)].map(([, status]) => Number(status)));
    expect(told.flat().length).toBeGreaterThan(10);
    expect(outputs.map(output => answersIn(output).map(({ status }) => status))).toEqual(told);
  });

  it('wait for a service that is not there yet, and then is not ready, and say so', async () => {
    const port = await lastingPort();
    const [shell, env] = await shellWith(curl);
    const waiting = execFile(shell, ['-c', blocks[0]!.replace(ADDRESS, `PCS=http://127.0.0.1:${port}`)], { env });
    const [out, err] = [text(waiting.stdout!), createInterface({ input: waiting.stderr! })];
    expect((await once(err, 'line'))[0]).toContain('not ready after 0 s');
    const statuses = [503, 503, 200];
    const late = createServer((_, response) => {
      response.statusCode = statuses.shift() ?? 500;
      response.end(`{"status":"${response.statusCode === 200 ? 'ok' : 'error'}"}`);
    }).listen(port, '127.0.0.1');
    expect(await out).toBe('{"status":"ok"}');
    expect(statuses).toEqual([]);
    late.close();
  });

  it('wait until the service is ready', () => {
    expect(JSON.parse(outputs[0] ?? '')).toMatchObject({ status: 'ok' });
  });

  it('register once, and make no revision when they say nothing new', () => {
    const [first, again] = answersTo('first deployment');
    expect(first).toMatchObject({ headers: { etag: '"1"' }, body: { service: 'orders', version: 1 } });
    expect(again).toMatchObject({ headers: { etag: '"1"' }, body: { version: 1 } });
    expect(again?.headers['x-catalog-revision']).toBe(first?.headers['x-catalog-revision']);
  });

  it('find the instance, and get a short answer when nothing changed', () => {
    const [found, notModified] = answersTo('If-None-Match');
    expect(found?.body).toMatchObject({ service: 'orders', instances: [{ instanceId: 'orders-1', port: 8080 }] });
    expect(notModified).toMatchObject({ body: undefined, headers: { etag: found?.headers['etag'] } });
  });

  it('change a version once, and tell the current one to whoever comes late', () => {
    const [changed, late] = answersTo('merge-patch');
    expect(changed?.body).toMatchObject({ version: 2, weight: 50 });
    expect(late?.body).toMatchObject({ code: 'VERSION_MISMATCH', currentVersion: 2 });
  });

  it('degrade, override and give back', () => {
    const statuses = answersTo('/health-reports').map(({ body }) => (body as { status: string }).status);
    expect(statuses).toEqual(['degraded', 'degraded', 'maintenance', 'degraded']);
  });

  it('report once what they send twice under one key', () => {
    const [first, again] = answersTo('/health-reports');
    expect(again?.body).toEqual(first?.body);
    expect([first, again].map(answer => answer?.headers['idempotency-replayed'])).toEqual([undefined, 'true']);
  });

  it('find by metadata', () => {
    const [page] = answersTo('--data-urlencode');
    expect(page?.body).toMatchObject({ items: [{ instanceId: 'orders-1' }], nextCursor: null });
  });

  it('read and verify the log', () => {
    const [events, verdict] = answersTo('/audit/verify');
    expect(events?.body).toMatchObject({
      items: [
        { action: 'instance.override_cleared', actor: 'anonymous' },
        { action: 'instance.override_set', after: { override: { reason: 'disk swap' } } },
        { action: 'instance.health_changed', before: { status: 'healthy' }, after: { status: 'degraded' } },
      ],
    });
    expect(verdict?.body).toMatchObject({ valid: true, checked: 5 });
  });

  it('are told every bad field', () => {
    const [problem] = answersTo('VALIDATION_FAILED');
    expect(problem?.headers['content-type']).toMatch('application/problem+json');
    const { errors = [] } = (problem?.body ?? {}) as { errors?: { path: string }[] };
    expect(errors.map(({ path }) => path).sort()).toEqual(['/host', '/port']);
  });
});
