import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { ContextModule } from '@coordination/context';
import { afterEach, describe, expect, it } from 'vitest';
import { waitFor } from '../../../../test/support/time/wait-for.js';
import { configureHttp, createHttpAdapter } from '../index.js';
import { type HttpAdapter } from '../server/http-adapter.js';

let gate = Promise.withResolvers<void>();

@Controller('things')
class ThingController {
  @Get('quick')
  quick() {
    return { quick: true };
  }

  /** Waits, as a watch or a read with `since` does. */
  @Get('parked')
  async parked() {
    await gate.promise;
    return { parked: true };
  }
}

@Module({ imports: [ContextModule], controllers: [ThingController] })
class ThingModule {}

/** A client that shows what it has received, and whether its connection has ended. */
class Client {
  received = '';
  isClosed = false;

  constructor(readonly socket: Socket) {
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => (this.received += text));
    socket.on('error', () => undefined);
    socket.on('close', () => (this.isClosed = true));
  }

  ask(path: string): void {
    this.socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  }
}

describe('a server with as many connections as it may have', () => {
  const apps: NestFastifyApplication[] = [];
  const clients: Client[] = [];
  afterEach(async () => {
    gate.resolve();
    for (const { socket } of clients.splice(0)) socket.destroy();
    await Promise.all(apps.splice(0).map(app => app.close()));
    gate = Promise.withResolvers();
  });

  async function start(max: number, acceptors = false): Promise<{ adapter: HttpAdapter; port: number }> {
    const settings = {
      HOST: '127.0.0.1',
      PCS_ALLOWED_HOSTS: [],
      PCS_TRUSTED_PROXIES: [],
      PCS_KEEP_ALIVE_SECONDS: 3_600,
      PCS_CORS_ORIGINS: [],
      PCS_CONNECTIONS_MAX: max,
    };
    const adapter = createHttpAdapter(settings);
    const app = await NestFactory.create<NestFastifyApplication>(ThingModule, adapter, { logger: false });
    configureHttp(app, settings);
    apps.push(app);
    if (acceptors) {
      await app.listen(await adapter.acceptors.optionsFor('127.0.0.1', 0));
      expect(await adapter.acceptors.listen([])).toEqual([]);
    } else await app.listen(0, '127.0.0.1');
    return { adapter, port: (app.getHttpServer().address() as AddressInfo).port };
  }

  /** @param localAddress each address of the loopback network is a client of its own */
  async function open(port: number, localAddress = '127.0.0.1'): Promise<Client> {
    const socket = connect({ port, host: '127.0.0.1', localAddress });
    const client = new Client(socket);
    clients.push(client);
    await once(socket, 'connect');
    return client;
  }

  const served = (client: Client) => waitFor('the answer', () => client.received.includes('{"quick":true}'));

  it('closes the one that was idle longest for a new caller, who is served, as are those under way', async () => {
    const { adapter, port } = await start(12);
    const parked = await open(port, '127.0.0.2');
    parked.ask('/things/parked');
    await waitFor('it is parked', () => adapter.connections.state.open - adapter.connections.state.idle === 1);
    const idle: Client[] = [];
    // Three addresses, so that none of them has half of all.
    for (let n = 0; n < 11; n++) {
      idle.push(await open(port, `127.0.0.${3 + (n % 3)}`));
      await waitFor('it is counted', () => adapter.connections.state.open === n + 2);
    }
    const newcomer = await open(port, '127.0.0.9');
    newcomer.ask('/things/quick');
    await served(newcomer);
    await waitFor('the first is closed', () => idle[0]!.isClosed);
    expect(idle.slice(1).map(({ isClosed }) => isClosed)).not.toContain(true);
    expect(adapter.connections.state).toMatchObject({ open: 12, crowded: { closed: { all: 1, address: 0 } } });
    // The one that was just used is idle the shortest: it survives the next ten newcomers.
    for (let n = 0; n < 10; n++) await open(port, `127.0.0.${10 + n}`);
    await waitFor('ten more are closed', () => idle.every(({ isClosed }) => isClosed));
    newcomer.received = '';
    newcomer.ask('/things/quick');
    await served(newcomer);
    gate.resolve();
    await waitFor('the parked one is answered', () => parked.received.includes('{"parked":true}'));
  });

  it('answers a new caller 503 OVERLOADED when none is idle, and counts the caller nowhere', async () => {
    const { adapter, port } = await start(10);
    const parked: Client[] = [];
    for (let n = 0; n < 10; n++) {
      const client = await open(port, `127.0.0.${2 + n}`);
      client.ask('/things/parked');
      parked.push(client);
    }
    await waitFor(
      'all are under way',
      () => adapter.connections.state.open === 10 && adapter.connections.state.idle === 0,
    );
    const refused = await open(port, '127.0.0.50');
    refused.ask('/things/quick');
    await waitFor('it is refused', () => refused.isClosed);
    expect(refused.received).toMatch(/^HTTP\/1.1 503 /);
    expect(refused.received).toContain('"code":"OVERLOADED"');
    expect(refused.received).toMatch(/\r\nretry-after: [1-5]\r\n/i);
    expect(refused.received).toMatch(/\r\nconnection: close\r\n/i);
    expect(adapter.connections.state).toMatchObject({ open: 10, crowded: { refused: { all: 1 } } });
    gate.resolve();
    await waitFor('the parked ones are answered', () =>
      parked.every(({ received }) => received.includes('"parked":true')),
    );
    const late = await open(port, '127.0.0.50');
    late.ask('/things/quick');
    await served(late);
  });

  it('closes a refused caller that sends nothing, and holds no more than a few of them', async () => {
    const { adapter, port } = await start(10);
    for (let n = 0; n < 10; n++) (await open(port, `127.0.0.${2 + n}`)).ask('/things/parked');
    await waitFor(
      'all are under way',
      () => adapter.connections.state.open === 10 && adapter.connections.state.idle === 0,
    );
    const silent = await Promise.all(Array.from({ length: 60 }, () => open(port, '127.0.0.60')));
    await waitFor('all are closed', () => silent.every(({ isClosed }) => isClosed));
    expect(adapter.connections.state).toMatchObject({ open: 10, crowded: { refused: { all: 60 } } });
  });

  it('takes one address for half of them, and others go on as if it were not there', async () => {
    const { adapter, port } = await start(20);
    const other = await open(port, '127.0.0.2');
    other.ask('/things/quick');
    await served(other);
    const crowd: Client[] = [];
    for (let n = 0; n < 40; n++) crowd.push(await open(port));
    await waitFor('30 are closed', () => crowd.filter(({ isClosed }) => isClosed).length === 30);
    expect(
      crowd.slice(0, 30).every(({ isClosed }) => isClosed),
      'the oldest are closed',
    ).toBe(true);
    expect(adapter.connections.state).toMatchObject({ open: 11, crowded: { closed: { address: 30, all: 0 } } });
    other.received = '';
    other.ask('/things/quick');
    await served(other);
  });

  it('does not share its port with another service, although its own sockets share it', async () => {
    const { port } = await start(1_000, true);
    const adapter = createHttpAdapter({
      HOST: '127.0.0.1',
      PCS_ALLOWED_HOSTS: [],
      PCS_TRUSTED_PROXIES: [],
      PCS_KEEP_ALIVE_SECONDS: 75,
    });
    const app = await NestFactory.create<NestFastifyApplication>(ThingModule, adapter, { logger: false });
    apps.push(app);
    await expect(app.listen(await adapter.acceptors.optionsFor('127.0.0.1', port))).rejects.toThrow('EADDRINUSE');
  });

  it('holds to the same limits over all its listening sockets', async () => {
    const { adapter, port } = await start(128, true);
    if (process.platform === 'linux') expect(adapter.acceptors.count).toBe(2);
    const crowd = await Promise.all(Array.from({ length: 200 }, () => open(port)));
    await waitFor('those beyond a half are closed', () => crowd.filter(({ isClosed }) => isClosed).length === 136);
    const last = await open(port, '127.0.0.2');
    last.ask('/things/quick');
    await served(last);
    expect(adapter.connections.state.open).toBe(65);
  });
});
