import { once } from 'node:events';
import { Agent, get, type IncomingMessage, request as httpRequest } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { Body, Controller, Get, Module, Post, Res } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { ContextModule } from '@coordination/context';
import { type FastifyReply } from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { waitFor } from '../../../../test/support/time/wait-for.js';
import { configureHttp, createHttpAdapter } from '../index.js';
import { type HttpAdapter } from '../server/http-adapter.js';

const Thing = z.strictObject({ name: z.string() });

/** What the requests of a test wait for, and what has come of them. */
let gate = Promise.withResolvers<void>();
let stream = new PassThrough();
let asked = 0;

@Controller('things')
class ThingController {
  @Get('quick')
  quick() {
    return { quick: true };
  }

  @Get('slow')
  async slow() {
    asked += 1;
    await gate.promise;
    return { slow: true };
  }

  @Get('stream')
  stream(@Res() reply: FastifyReply) {
    void reply.send(stream);
  }

  @Post()
  make(@Body({ schema: Thing }) thing: z.infer<typeof Thing>) {
    return thing;
  }
}

@Module({ imports: [ContextModule], controllers: [ThingController] })
class ThingModule {}

/** Much longer than any of these tests may take: whoever waited for it would be noticed. */
const LONG_SECONDS = 3_600;

interface Running {
  readonly app: NestFastifyApplication;
  readonly adapter: HttpAdapter;
  readonly port: number;
  readonly url: string;
  /** How many connections there have been. */
  connections: number;
}

const ask = (path: string, method = 'GET', lines = '') =>
  `${method} ${path} HTTP/1.1\r\nHost: localhost\r\n${lines}\r\n`;

/** Asks through an agent, which takes a connection of its pool if it has one. */
async function askThrough(agent: Agent, url: string): Promise<{ status: number | undefined; headers: object }> {
  const [response] = (await once(get(url, { agent }), 'response')) as [IncomingMessage];
  response.resume();
  await once(response, 'end');
  return { status: response.statusCode, headers: response.headers };
}

describe('The connections of the server', () => {
  const running: Running[] = [];
  const sockets: Socket[] = [];
  const agents: Agent[] = [];
  afterEach(async () => {
    gate.resolve();
    stream.end();
    for (const socket of sockets.splice(0)) socket.destroy();
    for (const agent of agents.splice(0)) agent.destroy();
    await Promise.all(running.splice(0).map(({ app }) => app.close()));
    gate = Promise.withResolvers();
    stream = new PassThrough();
    asked = 0;
  });

  async function start(keepAliveSeconds = LONG_SECONDS): Promise<Running> {
    const settings = {
      HOST: '127.0.0.1',
      PCS_ALLOWED_HOSTS: [],
      PCS_TRUSTED_PROXIES: [],
      PCS_CORS_ORIGINS: [],
      PCS_KEEP_ALIVE_SECONDS: keepAliveSeconds,
    };
    const adapter = createHttpAdapter(settings);
    const app = await NestFactory.create<NestFastifyApplication>(ThingModule, adapter, { logger: false });
    configureHttp(app, settings);
    await app.listen(0, '127.0.0.1');
    const { port } = app.getHttpServer().address() as AddressInfo;
    const server: Running = { app, adapter, port, url: `http://127.0.0.1:${port}`, connections: 0 };
    app.getHttpServer().on('connection', () => (server.connections += 1));
    running.push(server);
    return server;
  }

  /** A connection on which some bytes have been sent and, if any are named, some have come back. */
  async function open({ port }: Running, bytes = '', answer?: string) {
    const socket = connect(port, '127.0.0.1');
    sockets.push(socket);
    let text = '';
    socket.setEncoding('utf8').on('data', chunk => (text += String(chunk)));
    socket.on('error', () => undefined);
    const closed = once(socket, 'close');
    await once(socket, 'connect');
    socket.write(bytes);
    const received = (part: string) => waitFor(`${part} is received`, () => text.includes(part));
    if (answer !== undefined) await received(answer);
    return { socket, closed, received, text: () => text };
  }

  const isEnding = ({ app }: Running) => waitFor('no more connections are taken', () => !app.getHttpServer().listening);
  const kept = () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    agents.push(agent);
    return agent;
  };
  it('are kept for as long as the setting says, which answers tell', async () => {
    const { port } = await start(75);
    const { text } = await open({ port } as Running, ask('/things/quick'), '{"quick":true}');
    expect(text()).toMatch(/^keep-alive: timeout=75\r$/im);
    expect(text()).toMatch(/^connection: keep-alive\r$/im);
  });

  it('are used again after a pause in which a second would have been over', async () => {
    // The pause is as long as a server takes that keeps connections for one second.
    const hasty = await start(1);
    const patient = await start(75);
    const [agent, other] = [kept(), kept()];
    await askThrough(agent, `${patient.url}/things/quick`);
    const closing = await open(hasty, ask('/things/quick'), '{"quick":true}');
    await askThrough(other, `${hasty.url}/things/quick`);
    await closing.closed;
    expect((await askThrough(agent, `${patient.url}/things/quick`)).status).toBe(200);
    expect(patient.connections).toBe(1);
  });

  describe('at the end', () => {
    it('are closed at once where nothing is asked: kept ones, and those that nothing was ever sent on', async () => {
      const server = await start();
      const idle = await open(server, ask('/things/quick'), '{"quick":true}');
      const silent = await open(server);
      await waitFor('both connections are there', () => server.connections === 2);
      await server.app.close();
      await Promise.all([idle.closed, silent.closed]);
    });

    it('are closed after the answer to what was under way, which says so', async () => {
      const server = await start();
      const slow = await open(server, ask('/things/slow'));
      await waitFor('the request is under way', () => asked === 1);
      const end = server.app.close();
      await isEnding(server);
      gate.resolve();
      await slow.closed;
      await end;
      expect(slow.text()).toContain('{"slow":true}');
      expect(slow.text()).toMatch(/^connection: close\r$/im);
      expect(slow.text()).not.toMatch(/keep-alive/i);
    });

    it('are closed after an answer that had begun, and so could not say so', async () => {
      const server = await start();
      stream.write('begun');
      const begun = await open(server, ask('/things/stream'), 'begun');
      const end = server.app.close();
      await isEnding(server);
      stream.end('ended');
      await begun.closed;
      await end;
      expect(begun.text()).toMatch(/^connection: keep-alive\r$/im);
      expect(begun.text()).toContain('ended');
    });

    it('are closed where only a part of a head has come, and no more comes', async () => {
      const server = await start();
      const cut = await open(server, 'GET /things/quick HTTP/1.1\r\nHost: localhost\r\n');
      const second = await open(server, `${ask('/things/quick')}GET /things/qu`, '{"quick":true}');
      await server.app.close();
      await Promise.all([cut.closed, second.closed]);
    });

    it('stay open for the rest of a head that is on its way, and for the rest of a body', async () => {
      const server = await start();
      const head = await open(server, 'GET /things/quick HTTP/1.1\r\nHost: localhost\r\n');
      const body = await open(
        server,
        ask('/things', 'POST', 'Content-Type: application/json\r\nContent-Length: 12\r\nExpect: 100-continue\r\n'),
        '100 Continue',
      );
      const end = server.app.close();
      await isEnding(server);
      head.socket.write('\r\n');
      body.socket.write('{"name":"a"}');
      await Promise.all([head.closed, body.closed, end]);
      expect(head.text()).toMatch(/^HTTP\/1\.1 200 [^]*^connection: close\r$/im);
      expect(body.text()).toMatch(/HTTP\/1\.1 201 [^]*^connection: close\r$/im);
    });

    it('say so from the beginning of the end on, while requests are still taken', async () => {
      const server = await start();
      const agent = kept();
      const slow = await open(server, ask('/things/slow'));
      await waitFor('the request is under way', () => asked === 1);
      expect((await askThrough(agent, `${server.url}/things/quick`)).headers).toMatchObject({
        connection: 'keep-alive',
      });
      server.adapter.connections.beginEnding();
      expect(await askThrough(agent, `${server.url}/things/quick`)).toMatchObject({
        status: 200,
        headers: { connection: 'close' },
      });
      expect((await askThrough(agent, `${server.url}/nothing`)).headers).toMatchObject({ connection: 'close' });
      // Each on a connection of its own, since the one before was the last.
      expect(server.connections).toBe(3);
      gate.resolve();
      await slow.closed;
      expect(slow.text()).toMatch(/^connection: close\r$/im);
    });

    it('of a client that keeps a pool are not waited for, however many there are', async () => {
      const server = await start();
      const agent = new Agent({ keepAlive: true });
      agents.push(agent);
      await Promise.all(Array.from({ length: 20 }, () => askThrough(agent, `${server.url}/things/quick`)));
      const sent = httpRequest(`${server.url}/things/slow`, { agent });
      const answered = once(sent.end(), 'response') as Promise<[IncomingMessage]>;
      await waitFor('the request is under way', () => asked === 1);
      const end = server.app.close();
      await isEnding(server);
      gate.resolve();
      const [response] = await answered;
      response.resume();
      expect(response.statusCode).toBe(200);
      await end;
    });
  });
});
