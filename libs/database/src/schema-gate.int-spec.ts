import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../test/support/test-database.js';
import { SchemaGate } from './schema-gate.js';

let database: TestDatabase;
let front: Server;
let gate: SchemaGate | undefined;
const sockets = new Set<Socket>();

beforeEach(async () => {
  database = await createTestDatabase();
});

afterEach(async () => {
  gate?.onApplicationShutdown();
  front.close();
  for (const socket of sockets) socket.destroy();
  await database.drop();
});

/** A way to the database that takes the first connection, and then says nothing on it. */
async function deafAtFirst(): Promise<string> {
  const url = new URL(database.url);
  const target = { host: url.hostname, port: Number(url.port) };
  let connections = 0;
  front = createServer(client => {
    sockets.add(client.on('error', () => undefined));
    connections += 1;
    if (connections === 1) return;
    const server = connect(target);
    sockets.add(server.on('error', () => undefined));
    client.pipe(server).pipe(client);
  });
  await once(front.listen(0, '127.0.0.1'), 'listening');
  url.port = String((front.address() as AddressInfo).port);
  return url.href;
}

describe('SchemaGate', () => {
  it.each([
    ['migrates', true],
    ['waits for the migrations of others', false],
  ])('that %s opens although the database said nothing on the first connection', async (_what, migrate) => {
    gate = new SchemaGate({ url: await deafAtFirst(), ssl: 'off', migrate });
    gate.onApplicationBootstrap();
    // Never, if a try without an answer does not end.
    await gate.opened;
    expect(gate.isOpen).toBe(true);
  });
});
