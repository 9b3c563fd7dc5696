import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { BytesUnderWay } from '@coordination/http';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { INSTANCES, LONG_LEASE, named } from '../../support/http/api.js';
import { bareRequest } from '../../support/http/bare-request.js';
import {
  type CatalogNode,
  type CatalogService,
  startCatalog,
  startNode,
} from '../../support/catalog/catalog-service.js';
import { waitFor } from '../../support/time/wait-for.js';

const LIST = '/api/v1/discovery/services/large/instances?status=any';
const COUNT = 1_000;
/** A list of about 7 MB, which is more than the kernel takes for a client that does not read. */
const NOTE = 'abcdefghij'.repeat(90);
const METADATA = Object.fromEntries(Array.from({ length: 8 }, (_, n) => [`note-${n}`, NOTE]));

let catalog: CatalogService;
/** Another node, which soon cuts clients that do not read. */
let hasty: CatalogNode;
let underWay: BytesUnderWay;
const sockets: Socket[] = [];

const anInstance = (n: number, weight = 1) => ({
  service: 'large',
  instanceId: `large-${String(n).padStart(4, '0')}`,
  host: '10.0.0.1',
  port: 8_000 + n,
  weight,
  check: LONG_LEASE,
  metadata: METADATA,
});

beforeAll(async () => {
  catalog = await startCatalog();
  hasty = await startNode(catalog.database.url, { PCS_RESPONSE_STALL_SECONDS: '1' });
  underWay = catalog.nodes[0]!.app.get(BytesUnderWay, { strict: false });
  for (let from = 0; from < COUNT; from += 50) {
    const instances = Array.from({ length: 50 }, (_, n) => anInstance(from + n));
    await catalog.api.ok('POST', `${INSTANCES}/batch`, { instances });
  }
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await waitFor('nothing is under way', () => underWay.byteLength === 0);
});
afterAll(async () => {
  await hasty.close();
  await catalog.close();
});

/** A client that requests the list and reads nothing. */
async function ask(headers = '', { url } = catalog.api): Promise<Socket> {
  const { hostname, port, host } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  sockets.push(socket);
  socket.on('error', () => undefined).pause();
  await once(socket, 'connect');
  socket.write(`GET ${LIST} HTTP/1.1\r\nHost: ${host}\r\n${headers}\r\n`);
  return socket;
}

const metricOf = async (name: string, { url } = catalog.api) =>
  Number(new RegExp(`^${name} (.*)$`, 'm').exec((await bareRequest(`${url}/metrics`)).text)?.[1]);

describe('A list of megabytes', () => {
  it('is the same whole, compressed, by HEAD, not modified, and after a change', async () => {
    const url = `${catalog.api.url}${LIST}`;
    const plain = await bareRequest(url);
    const list = JSON.parse(plain.text) as { instances: { instanceId: string }[]; revision: number };
    expect(list.instances.map(it => it.instanceId)).toEqual(
      Array.from({ length: COUNT }, (_, n) => anInstance(n).instanceId),
    );
    expect(plain.text).toBe(JSON.stringify(list));
    expect(plain.headers['content-length']).toBe(String(plain.bytes.byteLength));
    const zipped = await bareRequest(url, { 'accept-encoding': 'gzip' });
    expect([zipped.headers['content-encoding'], zipped.text]).toEqual(['gzip', plain.text]);
    const head = await bareRequest(url, {}, { method: 'HEAD' });
    const { date: _d, 'x-request-id': _i, 'x-catalog-staleness': _s, ...told } = plain.headers;
    expect(head.headers).toMatchObject(told);
    expect(head.bytes.byteLength).toBe(0);
    const etag = plain.headers.etag!;
    const known = await bareRequest(url, { 'if-none-match': etag });
    expect([known.status, known.bytes.byteLength]).toEqual([304, 0]);

    const { revision } = await catalog.api.send('PUT', named('large-0500', 'large'), anInstance(500, 7));
    const later = await bareRequest(`${url}&consistency=strong&minRevision=${revision}`, { 'if-none-match': etag });
    expect(later.status).toBe(200);
    expect(later.headers['x-catalog-revision']).toBe(String(revision));
    expect(JSON.parse(later.text)).toMatchObject({ revision });
    expect(later.text.match(/"weight":7/g)).toHaveLength(1);
  });

  it('takes one copy for any number of clients that do not read, and for each change of it one piece', async () => {
    const { bytes } = await bareRequest(`${catalog.api.url}${LIST}`);
    await Promise.all(Array.from({ length: 50 }, () => ask()));
    await waitFor('their list is under way', () => underWay.byteLength >= bytes.byteLength);
    // The first item lacks the comma that its piece begins with.
    expect(underWay.byteLength).toBe(bytes.byteLength + 1);
    for (let n = 1; n <= 3; n++) {
      const before = underWay.byteLength;
      await catalog.api.ok('PUT', named(`large-000${n}`, 'large'), anInstance(n, 1 + n));
      await ask();
      await waitFor('the next version is under way', () => underWay.byteLength > before);
      expect(underWay.byteLength - before).toBeLessThan(bytes.byteLength / 3);
    }
    expect(await metricOf('pcs_response_bytes_under_way')).toBe(underWay.byteLength);
    expect((await bareRequest(`${catalog.api.url}${LIST}`)).text).toContain('"weight":4');
  });

  it('is cut for clients that take nothing', async () => {
    const clients = await Promise.all(Array.from({ length: 5 }, () => ask('', hasty.api)));
    const isCut = () => metricOf('pcs_responses_cut_total', hasty.api);
    await waitFor('all are cut', async () => (await isCut()) === clients.length);
    expect((await bareRequest(`${hasty.api.url}${LIST}`)).status).toBe(200);
  });

  it('does not hold what a client leaves behind that is gone in the middle', async () => {
    const clients = await Promise.all([ask(), ask('Accept-Encoding: gzip\r\n'), ask()]);
    await waitFor('it is under way', () => underWay.byteLength > 0);
    for (const client of clients) client.resetAndDestroy();
    await waitFor('nothing is under way', () => underWay.byteLength === 0);
  });
});
