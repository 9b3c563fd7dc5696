import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../support/database/test-database.js';
import { type DisposableDirectory, disposableDirectory } from '../../support/disposable-directory.js';
import { named } from '../../support/http/api.js';
import { type SpawnedNode, spawnLoadedNode } from '../../support/nodes/spawned-node.js';
import { waitFor } from '../../support/time/wait-for.js';

interface Connections {
  readonly open: number;
  readonly max: number;
  readonly closedForNewOnes: number;
}

let database: TestDatabase;
let directory: DisposableDirectory;
let node: SpawnedNode;
const sockets: Socket[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  directory = disposableDirectory();
  node = await spawnLoadedNode(directory, database.url, {}, '-n 300');
});
afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  await directory.remove();
  await database.drop();
});

const connections = async (): Promise<Connections> =>
  (await node.api.get<{ details: { connections: Connections } }>('/health')).body.details.connections;

/** A heartbeat on a connection of its own. */
async function beat(): Promise<number | undefined> {
  const agent = new Agent({ keepAlive: false });
  const asked = request(`${node.api.url}${named('orders-1')}/heartbeat`, { method: 'PUT', agent }).end();
  const [response] = (await once(asked, 'response')) as [{ statusCode?: number; resume(): void }];
  response.resume();
  return response.statusCode;
}

it('a node with 300 descriptors serves all callers beside 400 connections that never send anything', async () => {
  await node.api.register({ instanceId: 'orders-1' });
  expect((await connections()).max, 'the rest is held back for the database and files').toBe(100);
  const { hostname, port } = new URL(node.api.url);
  const statuses: unknown[] = [];
  for (let n = 0; n < 400; n++) {
    // Four callers, so that the maximum of all is reached, and not only the half that one address may have.
    const socket = connect({ host: hostname, port: Number(port), localAddress: `127.0.0.${2 + (n % 4)}` });
    socket.on('error', () => undefined);
    sockets.push(socket);
    await once(socket, 'connect');
    if (n % 20 === 0) statuses.push(await beat());
  }
  expect(statuses).toEqual(Array.from({ length: 20 }, () => 204));
  // Writes need a connection to the database, and files.
  await node.api.register({ instanceId: 'orders-2' });
  expect((await node.api.get('/health/ready')).status).toBe(200);
  const state = await connections();
  expect(state.open).toBeLessThanOrEqual(100);
  expect(state.closedForNewOnes).toBeGreaterThanOrEqual(300);
  await waitFor('the client notices', () => sockets.filter(({ closed }) => closed).length >= 300);
  const lines = node.process.output.split('\n').filter(line => line.includes('idle connections were closed'));
  expect(lines.length, 'one line at once').toBeGreaterThanOrEqual(1);
  expect(lines.length, 'far fewer lines than connections').toBeLessThan(100);
  expect(lines[0]).toContain('because 100 connections are open (PCS_CONNECTIONS_MAX');
});
