import { type AddressInfo, createServer, type Server } from 'node:net';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aTask } from '../../../../test/support/nodes/background-tasks.js';
import { AUTHORITY, CERTIFICATE_KEY, CERTIFICATES } from '../../../../test/support/http/certificates.js';
import { type DisposableDirectory, disposableDirectory } from '../../../../test/support/disposable-directory.js';
import { OwnPostgres } from '../../../../test/support/database/own-postgres.js';
import { urlOfAll, urlWithServers } from '../../../../test/support/database/several-servers.js';
import { eventually } from '../../../../test/support/time/eventually.js';
import { waitFor } from '../../../../test/support/time/wait-for.js';
import { administer } from '../schema/administer.js';
import { DatabaseClient } from '../connections/database-client.js';
import { Databases } from '../connections/databases.js';
import { NotificationListener } from '../connections/notification-listener.js';
import { pgOptions } from '../connections/pg-options.js';
import { query } from '../reading/query.js';
import { troubleOf } from '../errors/trouble.js';
import { migrate, readSchemaState } from '../../../../test/support/database/schema.js';

/** Nobody listens there. */
const DEAD = '127.0.0.1:1';
const UNKNOWN_NAME = 'no-such-host.invalid:5432';

const PORT_OF_SERVER = `select current_setting('port')::int as port`;

let primary: OwnPostgres;
let standby: OwnPostgres;
/** Takes connections, and never says a word. */
let silent: Server;
let directory: DisposableDirectory;

const hostOf = ({ url }: OwnPostgres) => new URL(url).host;
const portOf = ({ url }: OwnPostgres) => Number(new URL(url).port);
const silentHost = () => `127.0.0.1:${(silent.address() as AddressInfo).port}`;
const urlOf = (hosts: readonly string[], parameters?: Readonly<Record<string, string>>) =>
  urlWithServers(primary.url, { hosts, parameters });

beforeAll(async () => {
  directory = disposableDirectory();
  primary = await OwnPostgres.start();
  standby = await primary.standby();
  silent = createServer(() => undefined).listen(0, '127.0.0.1');
  await once(silent, 'listening');
});

afterAll(async () => {
  silent.close();
  await standby.remove();
  await primary.remove();
  await directory.remove();
});

/** The port of the server that a URL leads to. */
async function reached(url: string): Promise<number> {
  const client = new DatabaseClient({ ...pgOptions(url, 'off'), connectionTimeoutMillis: 10_000 });
  try {
    await client.connect();
    return (await client.query<{ port: number }>(PORT_OF_SERVER)).rows[0]!.port;
  } finally {
    await client.end();
  }
}

const failure = async (url: string): Promise<Error> =>
  await reached(url).then(
    port => new Error(`connected to ${port}`),
    (error: Error) => error,
  );

describe('Of several servers', () => {
  it('the primary is found, wherever it stands', async () => {
    const [p, s] = [hostOf(primary), hostOf(standby)];
    for (const hosts of [
      [p, s],
      [s, p],
      [DEAD, s, p],
      [s, DEAD, p],
      [UNKNOWN_NAME, s, p],
    ]) {
      for (const target of ['', 'read-write', 'primary']) {
        expect(await reached(urlOf(hosts, { target_session_attrs: target })), hosts.join()).toBe(portOf(primary));
      }
    }
  });

  it('the first that answers is taken where any will do', async () => {
    const parameters = { target_session_attrs: 'any' };
    expect(await reached(urlOf([hostOf(standby), hostOf(primary)], parameters))).toBe(portOf(standby));
    expect(await reached(urlOf([DEAD, hostOf(standby)], parameters))).toBe(portOf(standby));
  });

  it('one that says nothing is left after connect_timeout', async () => {
    const url = urlOf([silentHost(), hostOf(primary)], { connect_timeout: '1' });
    // The primary itself may need longer than that on a busy machine.
    await eventually(async () => expect(await reached(url)).toBe(portOf(primary)));
    const databases = await Databases.open({
      url: urlOf([silentHost(), hostOf(standby), silentHost(), hostOf(primary)], { connect_timeout: '2' }),
      ssl: 'off',
      poolMax: 1,
      entities: [],
    });
    await eventually(async () =>
      expect(await query(databases.em('reads'), PORT_OF_SERVER)).toEqual([{ port: portOf(primary) }]),
    );
    await databases.close();
  });

  it('may be named by parameters, with one port for all or one for each', async () => {
    const [p, s] = [primary, standby].map(portOf);
    const { username, password, pathname } = new URL(primary.url);
    const withParameters = (rest: string) => `postgres://${username}:${password}@${pathname}?${rest}`;
    expect(await reached(withParameters(`host=127.0.0.1,127.0.0.1&port=${s},${p}`))).toBe(p);
    expect(await reached(withParameters(`host=${UNKNOWN_NAME.split(':')[0]},127.0.0.1&port=${p}`))).toBe(p);
  });

  it('sockets may be some', async () => {
    const sockets = [standby, primary].map(server => ({
      host: encodeURIComponent(server.socketDirectory),
      port: portOf(server),
    }));
    const hosts = sockets.map(({ host, port }) => `${host}:${port}`);
    expect(await reached(urlOf(hosts))).toBe(portOf(primary));
    expect(await reached(urlOf([DEAD, hosts[1]!]))).toBe(portOf(primary));
  });

  it('all are named where none will do, without a password', async () => {
    const [s] = [hostOf(standby)];
    const error = await failure(urlOf([DEAD, s]));
    expect(error.message).toContain(`${DEAD} (connect ECONNREFUSED`);
    expect(error.message).toContain(`${s} (The server will not do: it is a standby`);
    expect(error).toMatchObject({ code: '25006', whileConnecting: true });
    expect(troubleOf(error)).toMatchObject({ code: '25006', message: expect.stringContaining('standby') as string });
    expect(`${error.message}${error.stack}`).not.toContain(new URL(primary.url).password);
    const wrong = urlOf([DEAD, hostOf(primary)]).replace(new URL(primary.url).password, 'wr0ng');
    const refused = await failure(wrong);
    expect(troubleOf(refused)).toMatchObject({ code: '28P01' });
    expect(`${refused.message}${refused.stack}`).not.toContain('wr0ng');
  });

  it('one alone is looked at, too, where the URL asks for a primary', async () => {
    for (const target of ['primary', 'read-write']) {
      const parameters = { target_session_attrs: target };
      expect(await reached(urlOf([hostOf(primary)], parameters))).toBe(portOf(primary));
      expect(await failure(urlOf([hostOf(standby)], parameters))).toMatchObject({ code: '25006' });
    }
    expect(await reached(urlOf([hostOf(standby)]))).toBe(portOf(standby));
  });

  it('one whose transactions only read by default is a primary, and takes no writes', async () => {
    await primary.setReadOnly(true);
    try {
      expect(await failure(urlOf([hostOf(standby), hostOf(primary)]))).toMatchObject({
        code: '25006',
        message: expect.stringContaining('default_transaction_read_only') as string,
      });
      const parameters = { target_session_attrs: 'primary' };
      expect(await reached(urlOf([hostOf(standby), hostOf(primary)], parameters))).toBe(portOf(primary));
    } finally {
      await primary.setReadOnly(false);
    }
  });

  it('each name is checked against the certificate of its own server', async () => {
    const sslrootcert = join(directory.path, 'ca.pem');
    await writeFile(sslrootcert, AUTHORITY);
    await primary.serveCertificate({ cert: CERTIFICATES.withoutAddress, key: CERTIFICATE_KEY });
    const port = portOf(primary);
    const parameters = { sslmode: 'verify-full', sslrootcert };
    expect(await failure(urlOf([`127.0.0.1:${port}`], parameters))).toMatchObject({
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    });
    expect(await reached(urlOf([`127.0.0.1:${port}`, `localhost:${port}`], parameters))).toBe(port);
    expect(await failure(urlOf([`127.0.0.1:${port}`, DEAD], parameters))).toMatchObject({
      message: expect.stringMatching(/altnames|Hostname\/IP/) as string,
    });
    await primary.serveCertificate(undefined);
  });

  it('everybody who connects finds the primary', async () => {
    const url = urlOfAll([standby.url, primary.url]);
    const databases = await Databases.open({ url, ssl: 'off', poolMax: 1, entities: [] });
    for (const purpose of ['writer', 'leases', 'view', 'liveness', 'reads'] as const) {
      expect(await query(databases.em(purpose), PORT_OF_SERVER)).toEqual([{ port: portOf(primary) }]);
    }
    await databases.close();
    const listening = Promise.withResolvers<void>();
    const heard = Promise.withResolvers<string>();
    const listener = new NotificationListener({
      url,
      ssl: 'off',
      channel: 'changes',
      onNotification: payload => heard.resolve(payload),
      onListening: () => listening.resolve(),
      task: aTask('notification-listener'),
    });
    listener.start();
    await listening.promise;
    await primary.ask(`notify changes, 'of the primary'`);
    expect(await heard.promise).toBe('of the primary');
    await listener.stop();
    await expect(migrate(url)).resolves.toEqual([]);
    await expect(readSchemaState(url, 'off')).resolves.toMatchObject({ pending: [] });
    const inAdministration = await administer(url, 'off', async client => {
      const { rows } = await client.query<{ name: string; port: number }>(
        `select current_database() as name, current_setting('port')::int as port`,
      );
      return rows;
    });
    expect(inAdministration).toEqual([{ name: 'postgres', port: portOf(primary) }]);
  });
});

describe('A socket', () => {
  it('needs no host beside it', async () => {
    const { username, password, pathname } = new URL(primary.url);
    const port = portOf(primary);
    const socket = primary.socketDirectory;
    const encoded = encodeURIComponent(socket);
    for (const url of [
      `postgres://${username}:${password}@${pathname}?host=${socket}&port=${port}`,
      `postgres://${pathname}?host=${encoded}&port=${port}&user=${username}&password=${password}`,
      `postgres://${username}:${password}@${encoded}:${port}${pathname}`,
      `postgres://${username}:${password}@${encoded}${pathname}?port=${port}&target_session_attrs=read-write`,
      `postgres://${username}:${password}@:${port}${pathname}?host=${socket}&sslmode=require`,
      `socket://${username}:${password}@${socket}?db=${pathname.slice(1)}&port=${port}`,
    ]) {
      expect(await reached(url), url.replace(password, '…')).toBe(port);
      const databases = await Databases.open({ url, ssl: 'verify', poolMax: 1, entities: [] });
      expect(await query(databases.em('writer'), PORT_OF_SERVER)).toEqual([{ port }]);
      await databases.close();
    }
  });
});

describe('When the primary is replaced while it still runs', () => {
  it('nothing is written to it, and nobody stays connected with it', async () => {
    const former = await OwnPostgres.start();
    const next = await former.standby();
    const url = urlOfAll([former.url, next.url]);
    const databases = await Databases.open({ url, ssl: 'off', poolMax: 1, entities: [] });
    const portFor = async (purpose: 'writer' | 'view') =>
      (await query<{ port: number }>(databases.em(purpose), PORT_OF_SERVER))[0]!.port;
    let listens = 0;
    const listener = new NotificationListener({
      url,
      ssl: 'off',
      channel: 'changes',
      onNotification: () => undefined,
      onListening: () => listens++,
      task: aTask('notification-listener'),
    });
    listener.start();
    await waitFor('it listens', () => listens === 1);
    try {
      expect([await portFor('writer'), await portFor('view')]).toEqual([portOf(former), portOf(former)]);
      await former.setReadOnly(true);
      await next.promote();
      const write = () => query(databases.em('writer'), `update catalog_head set at = at returning 1 as written`);
      const refused = await write().catch((error: unknown) => error);
      expect(refused).toMatchObject({ code: '25006' });
      // The connection that was refused is not used again; the next one leads to the new primary.
      expect(await write()).toEqual([{ written: 1 }]);
      expect(await portFor('writer')).toBe(portOf(next));
      expect(await portFor('view')).toBe(portOf(next));
      await waitFor('it listens again', () => listens === 2);
      // The server ends a session a moment after its client has gone.
      await eventually(async () => {
        const connected = await former.ask<{ name: string }>(
          `select application_name as name from pg_stat_activity where application_name like 'platform-coordination%'`,
        );
        expect(connected).toEqual([]);
      });
    } finally {
      await listener.stop();
      await databases.close();
      await next.remove();
      await former.remove();
    }
  });
});
