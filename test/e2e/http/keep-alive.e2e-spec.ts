import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { named } from '../../support/http/api.js';
import {
  type CatalogNode,
  type CatalogService,
  startCatalog,
  startNode,
} from '../../support/catalog/catalog-service.js';
import { startReverseProxy } from '../../support/http/reverse-proxy.js';
import { waitFor } from '../../support/time/wait-for.js';

const run = promisify(execFile);

let catalog: CatalogService;
/** A node that keeps connections for one second. */
let hasty: CatalogNode;

beforeAll(async () => {
  catalog = await startCatalog();
  hasty = await startNode(catalog.database.url, { PCS_KEEP_ALIVE_SECONDS: '1' });
});
afterAll(async () => {
  await hasty.close();
  await catalog.close();
});

const HEARTBEAT = `${named('kept')}/heartbeat`;

/** The connections on which a node is asked while something is done, without those that were open before. */
async function connectionsWhile({ app }: CatalogNode, act: () => Promise<unknown>): Promise<Set<Socket>> {
  const used = new Set<Socket>();
  const note = ({ socket }: IncomingMessage) => used.add(socket);
  app.getHttpServer().on('request', note);
  await act();
  app.getHttpServer().off('request', note);
  return used;
}

/** As long as a node keeps a connection without a request whose setting says one second. */
async function untilTheHastyLetsGo(): Promise<void> {
  const { hostname, port } = new URL(hasty.url);
  const socket = connect(Number(port), hostname);
  socket.resume();
  socket.write('GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await once(socket, 'close');
}

const PYTHON = `
import http.client, sys
connection = http.client.HTTPConnection(sys.argv[1], int(sys.argv[2]))
statuses = []
def ask(method, path, body=None, headers={}):
    connection.request(method, path, body=body, headers=headers)
    answer = connection.getresponse()
    answer.read()
    statuses.append(answer.status)
for _ in range(20):
    ask('PUT', sys.argv[3])
sys.stdout.write('half\\n')
sys.stdout.flush()
sys.stdin.readline()
ask('PUT', sys.argv[3], body=b'', headers={'Content-Type': 'application/json'})
ask('GET', '/api/v1/discovery/services/orders/instances')
print(statuses.count(204), statuses[-1])
`;

const hasPython = await run('python3', ['--version']).then(
  () => true,
  () => false,
);

describe('a connection is used again', () => {
  beforeAll(async () => {
    await catalog.api.register({ instanceId: 'kept' });
  });

  it('by fetch of Node.js, for 20 requests one after the other, and after a pause', async () => {
    const used = await connectionsWhile(catalog.nodes[0]!, async () => {
      for (let n = 0; n < 20; n++) expect((await catalog.api.get(named('kept'))).status).toBe(200);
      await untilTheHastyLetsGo();
      for (let n = 0; n < 20; n++) expect((await catalog.api.send('PUT', HEARTBEAT)).status).toBe(204);
    });
    // It takes a second one where the end of an answer is read before the first connection is marked as free.
    expect(used.size).toBeLessThanOrEqual(2);
  });

  it.runIf(hasPython)('by the HTTP client of Python, for as many, and after a pause', async () => {
    const { hostname, port } = new URL(catalog.api.url);
    const used = await connectionsWhile(catalog.nodes[0]!, async () => {
      const asking = run('python3', ['-c', PYTHON, hostname, port, HEARTBEAT]);
      let printed = '';
      asking.child.stdout?.on('data', chunk => (printed += String(chunk)));
      await waitFor(
        'half of the requests have been sent',
        () => printed.includes('half') || asking.child.exitCode !== null,
      );
      await untilTheHastyLetsGo();
      asking.child.stdin?.end('\n');
      expect((await asking).stdout).toBe('half\n21 200\n');
    });
    expect(used.size).toBe(1);
  });

  it('by the pool of a proxy, after a pause too, and none is reset', async () => {
    const proxy = await startReverseProxy(catalog.api.url);
    try {
      const ask = async () => (await fetch(`${proxy.url}${HEARTBEAT}`, { method: 'PUT' })).status;
      const askAtOnce = () => Promise.all(Array.from({ length: 40 }, ask));
      const used = await connectionsWhile(catalog.nodes[0]!, async () => {
        for (let n = 0; n < 3; n++) {
          expect(new Set(await askAtOnce())).toEqual(new Set([204]));
          await untilTheHastyLetsGo();
        }
      });
      expect(proxy.resets()).toBe(0);
      expect(used.size).toBe(proxy.opened());
      expect(used.size).toBeLessThanOrEqual(4);
    } finally {
      await proxy.close();
    }
  });

  it('for 75 seconds, which the answer tells; or for as long as the setting says', async () => {
    const told = [catalog, hasty].map(async ({ api }) => (await api.get('/health/live')).headers.get('keep-alive'));
    expect(await Promise.all(told)).toEqual(['timeout=75', 'timeout=1']);
  });
});

describe('at the end of a node', () => {
  it('parked reads and watches end, kept connections are closed, and nothing is waited for', async () => {
    const node = await startNode(catalog.database.url);
    const service = '/api/v1/discovery/services/parked/instances';
    await catalog.api.register({ service: 'parked' });
    await waitFor('the node knows the service', async () => {
      const { body } = await node.api.get<{ instances: unknown[] }>(service);
      return body.instances.length === 1;
    });
    const { revision } = await node.api.get(service);
    const { hostname, port } = new URL(node.url);
    const open = async (path: string, until?: RegExp) => {
      const socket = connect(Number(port), hostname);
      let text = '';
      socket.setEncoding('utf8').on('data', chunk => (text += String(chunk)));
      const closed = once(socket, 'close');
      socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
      if (until) await waitFor(`${path} is answered by ${String(until)}`, () => until.test(text));
      return { closed, text: () => text };
    };
    const idle = await open('/health/live', /"status":"ok"/);
    const watch = await open('/api/v1/discovery/watch', /event: snapshot/);
    const parked = await open(`${service}?since=${revision}&waitSeconds=300`);
    await waitFor('the read waits', async () =>
      /^pcs_waiting_reads 1$/m.test(await (await fetch(`${node.url}/metrics`)).text()),
    );
    await node.close();
    await Promise.all([idle.closed, watch.closed, parked.closed]);
    expect(parked.text()).toMatch(/^HTTP\/1\.1 200 [^]*^connection: close\r$/im);
  });
});
