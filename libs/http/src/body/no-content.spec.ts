import { type AddressInfo } from 'node:net';
import { Body, Controller, Delete, Get, Module, Patch, Post, Put } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { ContextModule } from '@coordination/context';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { sendRaw } from '../../../../test/support/http/raw-http.js';
import { configureHttp, createHttpAdapter, Endpoint, MERGE_PATCH_MEDIA_TYPE } from '../index.js';

const Thing = z.strictObject({ name: z.string() });

@Controller('things')
class ThingController {
  @Put('heartbeat')
  @Endpoint({ work: 'write', summary: 'Beat', operationId: 'beat', status: 200 })
  beat() {
    return { did: 'beat' };
  }

  @Post('heartbeat')
  @Endpoint({ work: 'write', summary: 'Beat', operationId: 'postBeat', status: 200 })
  postBeat() {
    return { did: 'beat' };
  }

  @Delete()
  @Endpoint({ work: 'write', summary: 'Remove', operationId: 'remove', status: 200 })
  remove() {
    return { did: 'remove' };
  }

  @Get()
  @Endpoint({ work: 'hot', summary: 'List', operationId: 'list', status: 200 })
  list() {
    return { did: 'list' };
  }

  @Post()
  @Endpoint({ work: 'write', summary: 'Make', operationId: 'make', status: 201 })
  make(@Body({ schema: Thing }) thing: z.infer<typeof Thing>) {
    return thing;
  }

  @Patch()
  @Endpoint({
    work: 'write',
    summary: 'Change',
    operationId: 'change',
    status: 200,
    consumes: [MERGE_PATCH_MEDIA_TYPE],
  })
  change(@Body({ schema: Thing }) thing: z.infer<typeof Thing>) {
    return thing;
  }
}

@Module({ imports: [ContextModule], controllers: [ThingController] })
class ThingModule {}

const settings = {
  HOST: '127.0.0.1',
  PCS_ALLOWED_HOSTS: [],
  PCS_TRUSTED_PROXIES: [],
  PCS_CORS_ORIGINS: [],
  PCS_KEEP_ALIVE_SECONDS: 75,
};

/** How no content is said: lines of the head, and what follows it. */
const FRAMINGS = [
  ['no length', '', ''],
  ['a length of 0', 'Content-Length: 0\r\n', ''],
  ['a length of 00', 'Content-Length: 00\r\n', ''],
  ['no chunks', 'Transfer-Encoding: chunked\r\n', '0\r\n\r\n'],
  ['no chunks, with a trailer', 'Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n', '0\r\nX-Sum: 1\r\n\r\n'],
  ['an expectation', 'Content-Length: 0\r\nExpect: 100-continue\r\n', ''],
] as const;

const TYPES = [
  undefined,
  'application/x-www-form-urlencoded',
  'application/json',
  'application/json; charset=utf-8',
  'APPLICATION/JSON;;',
  MERGE_PATCH_MEDIA_TYPE,
  'text/plain',
  'multipart/form-data; boundary=x',
  'nonsense',
  '/',
  '',
];

const ENCODINGS = ['', 'Content-Encoding: gzip\r\n'];

const EMPTY = FRAMINGS.flatMap(([framing, lines, rest]) =>
  TYPES.flatMap(type => ENCODINGS.map(encoding => ({ framing, type, lines: lines + encoding, rest }))),
);

const typeLine = (type: string | undefined) => (type === undefined ? '' : `Content-Type: ${type}\r\n`);

describe('A request without content', () => {
  let app: NestFastifyApplication;
  let url: string;

  beforeAll(async () => {
    app = await NestFactory.create<NestFastifyApplication>(ThingModule, createHttpAdapter(settings), { logger: false });
    configureHttp(app, settings);
    await app.listen(0, '127.0.0.1');
    url = `http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}`;
  });
  afterAll(() => app.close());

  /** Status and body of the last answer; an expectation is answered by 100 first. */
  async function ask(request: string, lines: string, rest = '', version = '1.1') {
    const answer = await sendRaw(
      url,
      `${request} HTTP/${version}\r\nHost: localhost\r\nConnection: close\r\n${lines}\r\n${rest}`,
    );
    const last = answer.slice(answer.lastIndexOf('HTTP/1.1 '));
    return { status: Number(last.slice(9, 12)), text: last };
  }

  it.each([
    ['PUT /things/heartbeat', 200],
    ['POST /things/heartbeat', 200],
    ['DELETE /things', 200],
    ['GET /things', 200],
    ['HEAD /things', 200],
    ['POST /things', 400],
    ['PATCH /things', 400],
  ])('is understood however it says so: %s gets %i', async (request, status) => {
    const answers = await Promise.all(
      EMPTY.map(async ({ framing, type, lines, rest }) => ({
        framing,
        type,
        lines,
        ...(await ask(request, typeLine(type) + lines, rest)),
      })),
    );
    expect(answers.filter(answer => answer.status !== status)).toEqual([]);
    if (status === 400) {
      for (const { text } of answers) expect(text).toContain('The body is absent. Send a JSON body.');
    }
  });

  it.each(['PUT /things/heartbeat', 'DELETE /things', 'GET /things'])(
    'is understood by HTTP/1.0, too: %s',
    async request => {
      for (const lines of ['', 'Content-Length: 0\r\n', 'Content-Type: text/plain\r\nContent-Length: 0\r\n']) {
        expect((await ask(request, lines, '', '1.0')).status, lines).toBe(200);
      }
    },
  );

  it.each(['PUT /things/heartbeat', 'DELETE /things'])('is not one that has some: %s', async request => {
    const json = 'Content-Type: application/json\r\n';
    const form = 'Content-Type: application/x-www-form-urlencoded\r\n';
    const cases = [
      [`${json}Content-Length: 2\r\n`, '{}', 400, 'MALFORMED_JSON'],
      [`${json}Content-Length: 4\r\n`, 'null', 400, 'MALFORMED_JSON'],
      [`${json}Content-Length: 2\r\n`, '  ', 400, 'MALFORMED_JSON'],
      [`${json}Transfer-Encoding: chunked\r\n`, '2\r\n{}\r\n0\r\n\r\n', 400, 'MALFORMED_JSON'],
      [`${form}Content-Length: 3\r\n`, 'a=b', 415, 'application/x-www-form-urlencoded'],
      [`${form}Transfer-Encoding: chunked\r\n`, '3\r\na=b\r\n0\r\n\r\n', 415, 'application/x-www-form-urlencoded'],
      ['Content-Type: nonsense\r\nTransfer-Encoding: chunked\r\n', '1\r\nx\r\n0\r\n\r\n', 415, 'nonsense'],
      ['Transfer-Encoding: chunked\r\n', '2\r\n{}\r\n0\r\n\r\n', 415, 'without a Content-Type'],
      ['Content-Length: 2\r\n', '{}', 415, 'without a Content-Type'],
      [`${json}Content-Encoding: gzip\r\nContent-Length: 2\r\n`, '{}', 415, 'encoded as gzip'],
    ] as const;
    for (const [lines, rest, status, says] of cases) {
      const answer = await ask(request, lines, rest);
      expect([lines, rest, answer.status]).toEqual([lines, rest, status]);
      expect(answer.text).toContain(says);
    }
  });

  it('of another type is refused at its first byte, without the rest of it', async () => {
    const answer = await ask('POST /things', 'Content-Type: text/plain\r\nContent-Length: 10000000\r\n', 'x');
    expect(answer.status).toBe(415);
  });

  it('leaves the connection to the next request', async () => {
    const beat = 'PUT /things/heartbeat HTTP/1.1\r\nHost: localhost\r\n';
    const answer = await sendRaw(
      url,
      `${beat}Content-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      `${beat}Content-Type: text/plain\r\nContent-Length: 0\r\n\r\n`,
      `${beat}Connection: close\r\n\r\n`,
    );
    expect(answer.match(/HTTP\/1\.1 200 /g)).toHaveLength(3);
  });
});
