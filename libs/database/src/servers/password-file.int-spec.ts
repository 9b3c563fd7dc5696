import { execFile } from 'node:child_process';
import { chmod, mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type DisposableDirectory, disposableDirectory } from '../../../../test/support/disposable-directory.js';
import { OwnPostgres } from '../../../../test/support/database/own-postgres.js';
import { DatabaseClient } from '../connections/database-client.js';
import { Databases } from '../connections/databases.js';
import { pgOptions } from '../connections/pg-options.js';
import { query } from '../reading/query.js';
import { readStatement } from '../reading/read-statement.js';
import { troubleOf } from '../errors/trouble.js';

const ROLE = 'rotated';
const FIRST = 'first-s3cret';
const SECOND = 'second-s3cret';

let directory: DisposableDirectory;
let postgres: OwnPostgres;
let file: string;

beforeAll(async () => {
  directory = disposableDirectory();
  postgres = await OwnPostgres.start();
  await postgres.ask(`create role ${ROLE} login`);
});
afterAll(async () => {
  await postgres.remove();
  await directory.remove();
});

beforeEach(async () => {
  file = join(directory.path, 'password');
  await rm(file, { recursive: true, force: true });
  await setPassword(FIRST);
});
afterEach(() => vi.unstubAllEnvs());

const setPassword = (password: string) => postgres.ask(`alter role ${ROLE} password '${password}'`);

/** The URL of the role without a password. */
function urlWith(parameters: Readonly<Record<string, string>>, hosts = new URL(postgres.url).host): string {
  const { pathname } = new URL(postgres.url);
  return `postgres://${ROLE}@${hosts}${pathname}?${new URLSearchParams(parameters).toString()}`;
}

async function connect(url: string): Promise<void> {
  const client = new DatabaseClient({ ...pgOptions(url, 'off'), connectionTimeoutMillis: 10_000 });
  try {
    await client.connect();
  } finally {
    await client.end();
  }
}

const failure = async (url: string): Promise<Error> =>
  await connect(url).then(
    () => new Error('connected'),
    (error: Error) => error,
  );

describe('The file of a password', () => {
  it.each([FIRST, `${FIRST}\n`, `${FIRST}\r\n`, `\uFEFF${FIRST}\n`])('%j holds it', async content => {
    await writeFile(file, content);
    await connect(urlWith({ password_file: file }));
  });

  it('goes before PGPASSWORD, and is for each of several hosts', async () => {
    vi.stubEnv('PGPASSWORD', 'wrong');
    await writeFile(file, FIRST);
    await connect(urlWith({ password_file: file }));
    const { host } = new URL(postgres.url);
    await connect(urlWith({ password_file: file }, `127.0.0.1:1,${host}`));
  });

  it.each([
    ['that is missing', async () => undefined, /cannot be read \(ENOENT\)\.$/],
    ['that is empty', () => writeFile(file, ''), /is empty\.$/],
    ['that has nothing but a line break', () => writeFile(file, '\n'), /is empty\.$/],
    ['that is too long', () => writeFile(file, 'x'.repeat(5_000)), /has more than 4096 bytes/],
    ['that is a directory', () => mkdir(file), /is not a regular file\.$/],
    ['that is a pipe', () => promisify(execFile)('mkfifo', [file]), /is not a regular file\.$/],
    ['that is a device', () => symlink('/dev/zero', file), /is not a regular file\.$/],
    ['that leads nowhere', () => symlink('/no/such/file', file), /cannot be read \(ENOENT\)\.$/],
    ['that is no text', () => writeFile(file, Buffer.from([0x70, 0xff, 0xfe])), /is not text in UTF-8\.$/],
  ])('%s keeps a connection from being made, and says why', async (_what, make, told) => {
    await make();
    const error = await failure(urlWith({ password_file: file }));
    expect(error.message).toMatch(told);
    expect(error.message).toContain(`The file ${file} with the password of the database`);
    expect(error).toMatchObject({ whileConnecting: true });
    const trouble = troubleOf(error);
    expect(trouble.message).toMatch(/^A file that the settings of the database name cannot be used/);
    expect(JSON.stringify(trouble)).not.toContain(directory.path);
  });

  it('is read anew for each connection, so a password is changed without a restart', async () => {
    await writeFile(file, `${FIRST}\n`);
    const url = urlWith({ password_file: file });
    const databases = await Databases.open({ url, ssl: 'off', poolMax: 1, entities: [] });
    const pid = async () =>
      (await readStatement(databases, em => query<{ pid: number }>(em, 'select pg_backend_pid() as pid')))[0]!.pid;
    try {
      const before = await pid();
      await setPassword(SECOND);
      expect(await pid(), 'a connection that there is goes on').toBe(before);
      databases.sever('reads');
      await expect.poll(() => pid().catch((error: Error) => (error.cause as { code?: string }).code)).toBe('28P01');
      expect(databases.troubles.present).toMatchObject({ code: '28P01' });
      await writeFile(file, `${SECOND}\n`);
      expect(await pid()).toBeGreaterThan(0);
    } finally {
      await databases.close();
    }
  });

  it('may be replaced as Kubernetes does it', async () => {
    const mount = join(directory.path, 'mount');
    const version = async (name: string, password: string) => {
      await mkdir(join(mount, name), { recursive: true });
      await writeFile(join(mount, name, 'password'), password);
      await symlink(name, join(mount, '..data_tmp'));
      await rename(join(mount, '..data_tmp'), join(mount, '..data'));
    };
    await version('..1', FIRST);
    await symlink('..data/password', join(mount, 'password'));
    const url = urlWith({ password_file: join(mount, 'password') });
    await connect(url);
    await setPassword(SECOND);
    expect(await failure(url)).toMatchObject({ code: '28P01' });
    await version('..2', SECOND);
    await connect(url);
  });
});

describe('Without a password in the URL', () => {
  it('PGPASSWORD and the file of PGPASSFILE are taken, the latter by the host that is tried', async () => {
    expect(await failure(urlWith({}))).toMatchObject({ message: expect.stringMatching(/password/) as string });
    vi.stubEnv('PGPASSWORD', FIRST);
    await connect(urlWith({}));
    vi.unstubAllEnvs();
    const { port, pathname } = new URL(postgres.url);
    await writeFile(
      file,
      [`db.invalid:*:*:*:wrong`, `127.0.0.1:${port}:${pathname.slice(1)}:${ROLE}:${FIRST}`, ''].join('\n'),
    );
    await chmod(file, 0o600);
    vi.stubEnv('PGPASSFILE', file);
    await connect(urlWith({}));
    await connect(urlWith({}, `127.0.0.1:1,127.0.0.1:${port}`));
    expect(await failure(urlWith({}, `localhost:${port}`))).toMatchObject({
      message: expect.stringMatching(/password/) as string,
    });
  });
});
