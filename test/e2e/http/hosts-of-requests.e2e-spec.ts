import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApplication, type Application } from '../../support/nodes/application.js';
import { INSTANCES } from '../../support/http/api.js';
import { type CatalogService, startCatalog } from '../../support/catalog/catalog-service.js';
import { sendRaw } from '../../support/http/raw-http.js';
import { createTestDatabase, type TestDatabase } from '../../support/database/test-database.js';

const PATHS = [
  '/health/live',
  '/health',
  '/metrics',
  '/docs',
  '/openapi.json',
  '/',
  '/nothing',
  '/api/v1/discovery/services',
];

const get = (url: string, path: string, host: string) =>
  sendRaw(url, `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);

let catalog: CatalogService;
beforeAll(async () => {
  catalog = await startCatalog({ env: { PCS_PUBLIC_URL: 'https://platform.example.com/pcs' } });
});
afterAll(() => catalog.close());

describe('The service on loopback', () => {
  it.each(PATHS)('answers a page that has rebound its name by nothing but 421: %s', async path => {
    const answer = await get(catalog.api.url, path, 'evil.example:8081');
    expect(answer).toMatch(/^HTTP\/1\.1 421 Misdirected Request\r\n/);
    expect(answer).toContain('"code":"MISDIRECTED_REQUEST"');
    expect(answer).toMatch(/PCS_PUBLIC_URL.*PCS_ALLOWED_HOSTS/);
    for (const host of ['localhost:8081', 'platform.example.com']) {
      expect(await get(catalog.api.url, path, host), host).not.toMatch(/^HTTP\/1\.1 421 /);
    }
  });

  it('changes nothing for such a page', async () => {
    const before = await catalog.api.ok<{ revision: number }>('GET', '/api/v1/audit/head');
    const body = JSON.stringify({ service: 'rebound', host: '10.0.0.1', port: 80 });
    const answer = await sendRaw(
      catalog.api.url,
      `POST ${INSTANCES} HTTP/1.1\r\nHost: evil.example\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 421 /);
    expect((await catalog.api.ok<{ revision: number }>('GET', '/api/v1/audit/head')).revision).toBe(before.revision);
  });
});

describe('The service on all addresses', () => {
  const running: Application[] = [];
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(async () => {
    await Promise.all(running.map(application => application.close()));
    await database.drop();
  });

  const start = async (env: Record<string, string>) => {
    const application = await startApplication({ databaseUrl: database.url, env: { HOST: '0.0.0.0', ...env } });
    running.push(application);
    return application.url.replace('0.0.0.0', '127.0.0.1');
  };

  it('answers to whatever name it is called by, as kubelets and scrapers need', async () => {
    const url = await start({});
    for (const host of ['10.4.5.6:8081', 'evil.example']) {
      expect(await get(url, '/health/live', host), host).toMatch(/^HTTP\/1\.1 200 /);
    }
  });

  it('answers to those alone that it is told, and to loopback', async () => {
    const url = await start({ PCS_ALLOWED_HOSTS: '*.svc.cluster.local' });
    for (const host of ['pcs.default.svc.cluster.local:8081', 'localhost', '[::1]']) {
      expect(await get(url, '/metrics', host), host).toMatch(/^HTTP\/1\.1 200 /);
    }
    for (const host of ['10.4.5.6:8081', 'svc.cluster.local']) {
      expect(await get(url, '/health/live', host), host).toMatch(/^HTTP\/1\.1 421 /);
    }
  });
});
