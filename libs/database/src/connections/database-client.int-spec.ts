import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aTask } from '../../../../test/support/nodes/background-tasks.js';
import {
  AUTHORITY,
  CERTIFICATE_KEY,
  CERTIFICATES,
  OTHER_AUTHORITY,
} from '../../../../test/support/http/certificates.js';
import { type DisposableDirectory, disposableDirectory } from '../../../../test/support/disposable-directory.js';
import { OwnPostgres } from '../../../../test/support/database/own-postgres.js';
import { SELF_SIGNED } from '../../../../test/support/http/self-signed.js';
import { DatabaseClient } from './database-client.js';
import { Databases } from './databases.js';
import { NotificationListener } from './notification-listener.js';
import { pgOptions } from './pg-options.js';
import { query } from '../reading/query.js';
import { type SslMode } from '../servers/tls-demand.js';
import { migrate } from '../../../../test/support/database/schema.js';

const IS_ENCRYPTED = 'select ssl from pg_stat_ssl where pid = pg_backend_pid()';

let postgres: OwnPostgres;
let directory: DisposableDirectory;
const file = (name: string) => join(directory.path, name);

beforeAll(async () => {
  directory = disposableDirectory();
  await writeFile(file('ca.pem'), AUTHORITY);
  await writeFile(file('other-ca.pem'), OTHER_AUTHORITY);
  await writeFile(file('self-signed.pem'), SELF_SIGNED.cert);
  await writeFile(file('client.pem'), CERTIFICATES.client);
  await writeFile(file('client.key'), CERTIFICATE_KEY);
  postgres = await OwnPostgres.start();
});

afterAll(async () => {
  await postgres.remove();
  await directory.remove();
});

type Server = 'without TLS' | 'self-signed' | keyof typeof CERTIFICATES;

async function serve(what: Server): Promise<void> {
  if (what === 'without TLS') return await postgres.serveCertificate(undefined);
  if (what === 'self-signed') return await postgres.serveCertificate(SELF_SIGNED);
  await postgres.serveCertificate({ cert: CERTIFICATES[what], key: CERTIFICATE_KEY });
}

/** How a connection goes: in the clear, by TLS, or the code or text of the reason why there is none. */
async function connecting(
  parameters: Record<string, string>,
  { host = 'localhost', ssl = 'off' }: { readonly host?: string; readonly ssl?: SslMode } = {},
) {
  const client = new DatabaseClient(pgOptions(postgres.urlWith({ host, parameters }), ssl));
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ ssl: boolean }>(IS_ENCRYPTED);
    return rows[0]!.ssl ? 'TLS' : 'clear';
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    return code ?? message;
  } finally {
    await client.end();
  }
}

const NO_TLS = 'The server does not support SSL connections';
const UNTRUSTED = 'UNABLE_TO_VERIFY_LEAF_SIGNATURE';
const SELF = 'DEPTH_ZERO_SELF_SIGNED_CERT';
const WRONG_HOST = 'ERR_TLS_CERT_ALTNAME_INVALID';

/** How it goes in a process of its own, with these certificate authorities beside those that Node.js trusts. */
async function connectingWith(extraAuthorities: string, parameters: Record<string, string>) {
  const program = resolve(import.meta.dirname, '../../../../test/support/database/connect-once.mjs');
  const url = postgres.urlWith({ host: 'localhost', parameters });
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: extraAuthorities };
  const { stdout } = await promisify(execFile)(process.execPath, [program, url], { env });
  return stdout;
}

describe('sslmode in the URL', () => {
  const TRIED = [
    { mode: 'disable' },
    { mode: 'allow' },
    { mode: 'prefer' },
    { mode: 'require' },
    { mode: 'require', root: 'ca.pem' },
    { mode: 'verify-ca', root: 'ca.pem' },
    { mode: 'verify-full', root: 'ca.pem' },
    { mode: 'verify-full' },
  ] as const;

  it.each([
    ['without TLS', ['clear', 'clear', 'clear', NO_TLS, NO_TLS, NO_TLS, NO_TLS, NO_TLS]],
    ['self-signed', ['clear', 'TLS', 'TLS', 'TLS', SELF, SELF, SELF, SELF]],
    ['trusted', ['clear', 'TLS', 'TLS', 'TLS', 'TLS', 'TLS', 'TLS', UNTRUSTED]],
    ['ofOtherAuthority', ['clear', 'TLS', 'TLS', 'TLS', UNTRUSTED, UNTRUSTED, UNTRUSTED, UNTRUSTED]],
    ['ofOtherHost', ['clear', 'TLS', 'TLS', 'TLS', 'TLS', 'TLS', WRONG_HOST, UNTRUSTED]],
    [
      'expired',
      ['clear', 'TLS', 'TLS', 'TLS', 'CERT_HAS_EXPIRED', 'CERT_HAS_EXPIRED', 'CERT_HAS_EXPIRED', 'CERT_HAS_EXPIRED'],
    ],
  ] as const)('means what libpq means by it, at a server that is %s', async (server, expected) => {
    await serve(server);
    for (const [index, { mode, ...tried }] of TRIED.entries()) {
      const root: Record<string, string> = 'root' in tried ? { sslrootcert: file(tried.root) } : {};
      const how = await connecting({ sslmode: mode, ...root });
      expect(how, `sslmode=${mode} ${'root' in tried ? 'with sslrootcert' : ''}`).toBe(expected[index]);
    }
  });

  it('takes the authorities of NODE_EXTRA_CA_CERTS for roots, and for verify-ca those alone', async () => {
    await serve('ofOtherHost');
    expect(await connectingWith(file('ca.pem'), { sslmode: 'verify-ca' })).toBe('TLS');
    expect(await connectingWith(file('other-ca.pem'), { sslmode: 'verify-ca' })).toBe(UNTRUSTED);
    expect(await connectingWith('', { sslmode: 'verify-ca' })).toMatch(/^sslmode=verify-ca needs a root certificate: /);
    expect(await connectingWith(file('ca.pem'), { sslmode: 'verify-full' })).toBe(WRONG_HOST);
    await serve('trusted');
    expect(await connectingWith(file('ca.pem'), { sslmode: 'verify-full' })).toBe('TLS');
    expect(await connectingWith(file('ca.pem'), { sslmode: 'verify-full', sslrootcert: 'system' })).toBe('TLS');
    expect(await connectingWith('', { sslmode: 'verify-full' })).toBe(UNTRUSTED);
  });

  it('takes a self-signed certificate that is itself the root', async () => {
    await serve('self-signed');
    for (const sslmode of ['require', 'verify-ca', 'verify-full']) {
      expect(await connecting({ sslmode, sslrootcert: file('self-signed.pem') })).toBe('TLS');
      expect(await connecting({ sslmode, sslrootcert: file('other-ca.pem') })).toBe(SELF);
    }
  });

  it('checks an address of the URL as an address', async () => {
    const full = { sslmode: 'verify-full', sslrootcert: file('ca.pem') };
    await serve('trusted');
    expect(await connecting(full, { host: '127.0.0.1' })).toBe('TLS');
    await serve('withoutAddress');
    expect(await connecting(full, { host: 'localhost' })).toBe('TLS');
    expect(await connecting(full, { host: '127.0.0.1' })).toBe(WRONG_HOST);
    expect(await connecting({ ...full, sslmode: 'verify-ca' }, { host: '127.0.0.1' })).toBe('TLS');
  });

  it('goes before the setting, which holds without it', async () => {
    await serve('self-signed');
    expect(await connecting({}, { ssl: 'require' })).toBe('TLS');
    expect(await connecting({}, { ssl: 'verify' })).toBe(SELF);
    expect(await connecting({ sslmode: 'disable' }, { ssl: 'verify' })).toBe('clear');
    expect(await connecting({ sslmode: 'require' }, { ssl: 'verify' })).toBe('TLS');
    await serve('trusted');
    expect(await connecting({ sslrootcert: file('ca.pem') }, { ssl: 'verify' })).toBe('TLS');
  });

  it('lets TLS begin at once', async () => {
    await serve('trusted');
    const direct = { sslnegotiation: 'direct', sslrootcert: file('ca.pem') };
    expect(await connecting({ ...direct, sslmode: 'verify-full' })).toBe('TLS');
    expect(await connecting({ sslnegotiation: 'direct', sslmode: 'require' })).toBe('TLS');
  });
});

describe('Certificates named in the URL', () => {
  it('are read anew for each connection', async () => {
    await serve('trusted');
    const sslrootcert = file('changing.pem');
    await writeFile(sslrootcert, OTHER_AUTHORITY);
    const url = postgres.urlWith({ host: 'localhost', parameters: { sslmode: 'verify-full', sslrootcert } });
    const databases = await Databases.open({ url, ssl: 'off', poolMax: 1, entities: [] });
    try {
      await expect(query(databases.em('reads'), IS_ENCRYPTED)).rejects.toMatchObject({ code: UNTRUSTED });
      await writeFile(sslrootcert, AUTHORITY);
      expect(await query(databases.em('reads'), IS_ENCRYPTED)).toEqual([{ ssl: true }]);
    } finally {
      await databases.close();
    }
  });

  it('that cannot be read keep a connection from being made, and nothing else', async () => {
    const parameters = { sslmode: 'verify-full', sslrootcert: file('missing.pem') };
    const databases = await Databases.open({
      url: postgres.urlWith({ parameters }),
      ssl: 'off',
      poolMax: 1,
      entities: [],
    });
    try {
      for (let attempt = 0; attempt < 3; attempt++) {
        await expect(query(databases.em('reads'), 'select 1')).rejects.toMatchObject({
          code: 'ENOENT',
          message: expect.stringMatching(/^The file that sslrootcert .* cannot be read \(ENOENT\)\.$/) as string,
        });
      }
      await writeFile(file('missing.pem'), AUTHORITY);
      await serve('trusted');
      expect(await query(databases.em('reads'), IS_ENCRYPTED)).toEqual([{ ssl: true }]);
    } finally {
      await databases.close();
    }
  });

  it('are shown to a server that asks for one', async () => {
    await serve('trusted');
    await postgres.serveCertificate({ cert: CERTIFICATES.trusted, key: CERTIFICATE_KEY }, AUTHORITY);
    await postgres.setAccess('hostssl all pcs 127.0.0.1/32 scram-sha-256 clientcert=verify-ca');
    await postgres.ask("create role pcs login password 'pcs'");
    const attempt = async (parameters: Record<string, string>) => {
      const url = postgres.urlWith({ user: ['pcs', 'pcs'], parameters: { sslmode: 'require', ...parameters } });
      const client = new DatabaseClient(pgOptions(url, 'off'));
      client.on('error', () => undefined);
      try {
        await client.connect();
        return 'connected';
      } catch (error) {
        return (error as NodeJS.ErrnoException).code;
      } finally {
        await client.end();
      }
    };
    expect(await attempt({})).toBe('28000');
    expect(await attempt({ sslcert: file('client.pem'), sslkey: file('client.key') })).toBe('connected');
    await postgres.setAccess();
  });
});

describe('Whoever connects', () => {
  it('gets the same meaning of the URL: pools, the listener, the migrator', async () => {
    await serve('self-signed');
    const url = postgres.urlWith({ host: 'localhost', parameters: { sslmode: 'require' } });
    const databases = await Databases.open({ url, ssl: 'off', poolMax: 1, entities: [] });
    expect(await query(databases.em('writer'), IS_ENCRYPTED)).toEqual([{ ssl: true }]);
    await databases.close();
    const listening = Promise.withResolvers<void>();
    const listener = new NotificationListener({
      url,
      ssl: 'off',
      channel: 'any',
      onNotification: () => undefined,
      onListening: () => listening.resolve(),
      task: aTask('notification-listener'),
    });
    listener.start();
    await listening.promise;
    await listener.stop();
    await expect(migrate(url)).resolves.toEqual([]);
  });
});
