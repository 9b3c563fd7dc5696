import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Api, INSTANCES, type LeasedView, named } from '../../support/http/api.js';
import { startApplication } from '../../support/nodes/application.js';
import { type CatalogNode, startNode } from '../../support/catalog/catalog-service.js';
import { AUTHORITY, CERTIFICATE_KEY, CERTIFICATES } from '../../support/http/certificates.js';
import { type DisposableDirectory, disposableDirectory } from '../../support/disposable-directory.js';
import { OwnPostgres } from '../../support/database/own-postgres.js';
import { unhurried } from '../../support/time/slowness.js';
import { createTestDatabase } from '../../support/database/test-database.js';
import { PATIENCE_MS, waitFor } from '../../support/time/wait-for.js';
import { migrate } from '../../support/database/schema.js';

const ROLE = 'pcs';
const PASSWORD = 'correct-horse-battery';
const OURS = 'platform-coordination%';

let directory: DisposableDirectory;
let postgres: OwnPostgres;
let node: CatalogNode;
let instance: LeasedView;

const GRANTS = `grant all on all tables in schema public to ${ROLE}; grant all on all functions in schema public to ${ROLE}`;

beforeAll(async () => {
  directory = disposableDirectory();
  postgres = await OwnPostgres.start();
  await postgres.ask(`create role ${ROLE} login password '${PASSWORD}'`);
  await postgres.ask(GRANTS);
  await serve('trusted');
  const sslrootcert = join(directory.path, 'ca.pem');
  await writeFile(sslrootcert, AUTHORITY);
  const url = postgres.urlWith({ host: 'localhost', user: [ROLE, PASSWORD], parameters: { sslrootcert } });
  node = await startNode(url, { DATABASE_SSL: 'verify', PCS_HEAD_HOLD_LIMIT_MS: String(unhurried(500)) });
  instance = await node.api.register();
});

afterAll(async () => {
  await node.close();
  await postgres.remove();
  await directory.remove();
});

const serve = (name: keyof typeof CERTIFICATES) =>
  postgres.serveCertificate({ cert: CERTIFICATES[name], key: CERTIFICATE_KEY });

/** What changes the catalog. */
const writes = () => [
  node.api.send('POST', INSTANCES, { service: 'lost', host: '10.0.0.1', port: 80 }),
  node.api.send('PATCH', `${INSTANCES}/${instance.id}`, { weight: 1 }),
  node.api.send('POST', INSTANCES, { service: 'lost', host: '10.0.0.1', port: 80 }, { 'Idempotency-Key': 'the-same' }),
  node.api.send('POST', `${INSTANCES}/${instance.id}/health-reports`, { healthy: false }),
];

/** What must be read from the database, or be confirmed by it. */
const reads = () =>
  [
    '/api/v1/discovery/instances?asOf=1',
    '/api/v1/discovery/services/orders/instances?consistency=strong',
    `${INSTANCES}/${instance.id}`,
    '/api/v1/discovery/services?asOf=1',
    '/api/v1/audit/events',
    '/api/v1/audit/export?format=csv',
    '/api/v1/audit/head',
    '/api/v1/audit/verify',
  ].map(path => node.api.get(path));

/** What needs nothing of the log. A heartbeat of an instance that the view does not have is looked up. */
const readsOfLeases = () => [node.api.get('/api/v1/liveness'), node.api.send('PUT', `${named('nobody')}/heartbeat`)];

interface Health {
  readonly status: string;
  readonly details: {
    readonly database: {
      readonly status: string;
      readonly lastError?: { readonly code?: string; readonly message: string; readonly at: string };
    };
  };
}

const health = async () => (await node.api.get<Health>('/health')).body.details.database;

interface Refusal {
  readonly what: string;
  /** How the server comes to refuse. */
  readonly begin: () => Promise<unknown>;
  readonly end: () => Promise<unknown>;
  /** What `/health` tells; undefined: a text without a code. */
  readonly code: string | undefined;
  /** Whether reads go on. */
  readonly readsGoOn?: boolean;
  /** Whether what needs nothing of the log goes on. */
  readonly isOfLog?: boolean;
  /** Whether connections that there are go on as if nothing were. */
  readonly meetsNewConnections?: boolean;
}

const sql = (statement: string) => () => postgres.ask(statement);
const admin = (statement: string) => () => postgres.administer(statement);

const REFUSALS: readonly Refusal[] = [
  {
    what: 'a certificate of another authority',
    begin: () => serve('ofOtherAuthority'),
    end: () => serve('trusted'),
    code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    meetsNewConnections: true,
  },
  {
    what: 'a certificate that has expired',
    begin: () => serve('expired'),
    end: () => serve('trusted'),
    code: 'CERT_HAS_EXPIRED',
    meetsNewConnections: true,
  },
  {
    what: 'a certificate of another host',
    begin: () => serve('ofOtherHost'),
    end: () => serve('trusted'),
    code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    meetsNewConnections: true,
  },
  {
    what: 'no TLS',
    begin: () => postgres.serveCertificate(undefined),
    end: () => serve('trusted'),
    code: undefined,
    meetsNewConnections: true,
  },
  {
    what: 'another password',
    begin: sql(`alter role ${ROLE} password 'another'`),
    end: sql(`alter role ${ROLE} password '${PASSWORD}'`),
    code: '28P01',
    meetsNewConnections: true,
  },
  {
    what: 'a role that may not log in',
    begin: sql(`alter role ${ROLE} nologin`),
    end: sql(`alter role ${ROLE} login`),
    code: '28000',
    meetsNewConnections: true,
  },
  {
    what: 'a rule of pg_hba.conf',
    begin: () => postgres.setAccess(`host all ${ROLE} all reject`),
    end: () => postgres.setAccess(),
    code: '28000',
    meetsNewConnections: true,
  },
  {
    what: 'a limit of connections',
    begin: sql(`alter role ${ROLE} connection limit 0`),
    end: sql(`alter role ${ROLE} connection limit -1`),
    code: '53300',
    meetsNewConnections: true,
  },
  {
    what: 'a database that takes no connections',
    begin: admin('alter database catalog allow_connections false'),
    end: admin('alter database catalog allow_connections true'),
    code: '55000',
    meetsNewConnections: true,
  },
  {
    what: 'a database that has another name now',
    begin: async () => {
      await postgres.administer('alter database catalog allow_connections false');
      await postgres.terminate('%');
      await waitFor('it can be renamed', async () => {
        const renamed = postgres.administer('alter database catalog rename to elsewhere');
        return await renamed.then(
          () => true,
          () => false,
        );
      });
    },
    end: async () => {
      await postgres.administer('alter database elsewhere rename to catalog');
      await postgres.administer('alter database catalog allow_connections true');
    },
    code: '3D000',
    meetsNewConnections: true,
  },
  {
    what: 'transactions that only read',
    begin: sql(`alter role ${ROLE} set default_transaction_read_only = on`),
    end: sql(`alter role ${ROLE} reset default_transaction_read_only`),
    code: '25006',
    readsGoOn: true,
    meetsNewConnections: true,
  },
  {
    what: 'another search_path',
    begin: sql(`alter role ${ROLE} set search_path = nowhere`),
    end: sql(`alter role ${ROLE} reset search_path`),
    code: '42P01',
    meetsNewConnections: true,
  },
  {
    what: 'missing privileges',
    begin: sql(`revoke all on all tables in schema public from ${ROLE}`),
    end: sql(GRANTS),
    code: '42501',
  },
  {
    what: 'a missing privilege on what writes need',
    begin: sql(`revoke insert on service_event from ${ROLE}`),
    end: sql(GRANTS),
    code: '42501',
    readsGoOn: true,
  },
  {
    what: 'a missing table',
    begin: sql('alter table catalog_head rename to gone'),
    end: sql('alter table gone rename to catalog_head'),
    code: '42P01',
    isOfLog: true,
  },
  {
    what: 'a missing column',
    begin: sql('alter table catalog_head rename column revision to gone'),
    end: sql('alter table catalog_head rename column gone to revision'),
    code: '42703',
    isOfLog: true,
  },
  {
    what: 'a missing function',
    begin: sql('alter function catalog_server rename to gone'),
    end: sql('alter function gone rename to catalog_server'),
    code: '42883',
    readsGoOn: true,
  },
];

describe.each(REFUSALS)('While the server refuses with $what', refusal => {
  const { begin, end, code, readsGoOn = false, isOfLog = false, meetsNewConnections = false } = refusal;
  const refused = () => [...writes(), ...(readsGoOn ? [] : reads()), ...(isOfLog || readsGoOn ? [] : readsOfLeases())];
  const statuses = async () => (await Promise.all(refused())).map(({ status }) => status);

  it('that is told as its state and never as our bug, reads from memory go on, and so does all when it is over', async () => {
    await begin();
    try {
      await waitFor(
        'all is refused',
        async () => {
          // Some may have been made in between, before the refusal took effect.
          if (meetsNewConnections) await postgres.terminate(OURS);
          const found = await statuses();
          expect(found).not.toContain(500);
          return found.every(status => status === 503);
        },
        PATIENCE_MS,
        async () => JSON.stringify(await statuses()),
      );
      for (const answer of await Promise.all(refused())) {
        expect(answer.body).toMatchObject({ status: 503, code: 'STORE_UNAVAILABLE' });
        expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
        expect(JSON.stringify(answer.body)).not.toMatch(/select|postgres:|catalog_head|pcs|permission/i);
      }
      if (readsGoOn) for (const { status } of await Promise.all(reads())) expect(status).toBe(200);
      expect((await node.api.get('/api/v1/discovery/services/orders/instances')).status).toBe(200);
      expect((await node.api.get('/health/ready')).status).toBe(200);
      const told = await health();
      expect(told).toMatchObject({ status: 'degraded', lastError: { message: expect.any(String) as string } });
      expect(told.lastError?.code).toBe(code);
      expect(JSON.stringify(told)).not.toMatch(
        new RegExp(`${PASSWORD}|localhost|127\\.0\\.0\\.1|postgres:|select|"${ROLE}`, 'i'),
      );
    } finally {
      await end();
    }
    if (meetsNewConnections) await postgres.terminate(OURS);
    await waitFor('all is served', async () => {
      const made = await node.api.send('POST', INSTANCES, { service: 'back', host: '10.0.0.1', port: 80 });
      const read = await Promise.all(reads());
      return made.status < 300 && read.every(({ status }) => status === 200);
    });
  });
});

it('A while after the last refusal all is well, and nothing had to be started again', async () => {
  await waitFor('health says so', async () => (await health()).status === 'up');
});

describe('A node that starts on a database', () => {
  it('without tables refuses what needs them until somebody has migrated', async () => {
    const database = await createTestDatabase({ migrated: false });
    const starting = await startApplication({ databaseUrl: database.url });
    const api = new Api(starting.url);
    const register = () => api.send('POST', INSTANCES, { service: 'early', host: '10.0.0.1', port: 80 });
    for (const answer of [
      await register(),
      await api.send('POST', INSTANCES, { service: 'early', host: 'h', port: 1 }, { 'Idempotency-Key': 'a-key-1' }),
      await api.get('/api/v1/audit/events'),
      await api.get('/api/v1/audit/head'),
      await api.get(`${INSTANCES}/00000000-0000-7000-8000-000000000000`),
    ]) {
      expect(answer.body).toMatchObject({ status: 503 });
    }
    const { body } = await api.get<Health>('/health');
    expect(body.details.database).toMatchObject({ status: 'degraded', lastError: { code: '42P01' } });
    await migrate(database.url);
    await waitFor('it writes', async () => (await register()).status < 300);
    await starting.close();
    await database.drop();
  });
});
