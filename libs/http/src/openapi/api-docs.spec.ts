import { readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { Body, Controller, Get, Header, Module, Param, Post, Query } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { ApiTags, type OpenAPIObject } from '@nestjs/swagger';
import { ERROR_CODES } from '@coordination/kernel';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { configureHttp, createHttpAdapter, Endpoint, queryInteger, queryList, serveApiDocs } from '../index.js';
import { SWAGGER_UI_FILES, swaggerUiDirectory } from '../pages/swagger-page.js';

const Colour = z.enum(['red', 'green']).meta({ id: 'Colour' });
const PaintBody = z.strictObject({ colour: Colour, coats: z.int().default(1) }).meta({ id: 'PaintRequest' });
const PaintView = z.looseObject({ colour: Colour, coats: z.int() }).meta({ id: 'Paint' });
const PaintQuery = z
  .strictObject({
    limit: queryInteger(1, 10).optional().meta({ description: 'How many.', example: 5 }),
    tag: queryList(z.string().min(1)),
  })
  .meta({ id: 'PaintQuery' });

@ApiTags('Paint')
@Controller('paints')
class PaintController {
  @Post()
  @Endpoint({
    summary: 'Mix a paint',
    work: 'write',
    operationId: 'mixPaint',
    status: 201,
    response: PaintView,
    responseHeaders: ['ETag'],
    otherSuccesses: [{ status: 200, response: PaintView, responseDescription: 'It was there.' }],
    requestHeaders: ['X-Change-Reason'],
    problems: ['VERSION_MISMATCH', 'ALREADY_REGISTERED'],
    examples: { body: { colour: 'red' }, response: { colour: 'red', coats: 1 } },
  })
  mix(@Body({ schema: PaintBody }) paint: z.infer<typeof PaintBody>) {
    return paint;
  }

  @Get(':name')
  @Endpoint({
    summary: 'Find a paint',
    work: 'hot',
    operationId: 'findPaint',
    status: 200,
    response: z.array(PaintView),
    examples: { parameters: { name: 'wall' } },
  })
  find(
    @Param({ schema: z.strictObject({ name: z.string() }) }) _path: { name: string },
    @Query({ schema: PaintQuery }) _query: z.infer<typeof PaintQuery>,
  ) {
    return [];
  }

  @Get('plain/text')
  @Header('content-type', 'text/plain')
  hidden() {
    return 'not part of the API';
  }
}

@Module({ controllers: [PaintController] })
class PaintModule {}

const api = {
  title: 'Paints',
  version: '1.2.3',
  description: 'All about paint.',
  contact: 'Painters',
  license: { name: 'MIT', url: 'https://opensource.org/license/mit' },
  tags: [{ name: 'Paint', description: 'Coloured.' }],
};

describe('the API documentation', () => {
  const walls = { current: 'wall' };
  let app: NestFastifyApplication;
  let document: OpenAPIObject;

  beforeAll(async () => {
    const adapter = createHttpAdapter({
      HOST: '127.0.0.1',
      PCS_ALLOWED_HOSTS: [],
      PCS_TRUSTED_PROXIES: [],
      PCS_KEEP_ALIVE_SECONDS: 75,
    });
    app = await NestFactory.create<NestFastifyApplication>(PaintModule, adapter, { logger: false });
    configureHttp(app, { PCS_CORS_ORIGINS: [] });
    serveApiDocs(app, api, {
      liveExamples: () => [['wall', walls.current]],
      guides: {
        directory: resolve(import.meta.dirname, '../../../../docs'),
        main: [{ name: 'clients', about: 'Clients' }],
      },
    });
    await app.init();
    await app.getHttpAdapter().getInstance().ready();
    document = (await app.inject('/openapi.json')).json();
  });
  afterAll(() => app.close());

  it('is OpenAPI 3.1 with components for schemas that have an id, and parameters for queries', () => {
    expect(document.openapi).toBe('3.1.0');
    expect(document.security).toEqual([]);
    expect(Object.keys(document.components?.schemas ?? {}).sort()).toEqual([
      'Colour',
      'ErrorCode',
      'InvalidField',
      'Paint',
      'PaintRequest',
      'Problem',
    ]);
    expect(document.paths['/paints']?.post?.requestBody).toMatchObject({
      content: {
        'application/json': {
          schema: { $ref: '#/components/schemas/PaintRequest' },
          example: { colour: 'red' },
        },
      },
    });
    expect(document.paths['/paints/{name}']?.get?.parameters).toEqual([
      { name: 'name', in: 'path', required: true, schema: { type: 'string' }, example: 'wall' },
      {
        name: 'limit',
        in: 'query',
        required: false,
        description: 'How many. Example: `5`.',
        schema: { type: 'integer', format: 'int32', minimum: 1, maximum: 10 },
      },
      {
        name: 'tag',
        in: 'query',
        required: false,
        style: 'form',
        explode: true,
        schema: { type: 'array', items: { type: 'string', minLength: 1 }, maxItems: 20 },
      },
    ]);
  });

  it('lists every possible problem with an example, and the successes', () => {
    const responses = document.paths['/paints']?.post?.responses ?? {};
    // 422 comes with the Idempotency-Key that an operation takes which takes a reason.
    expect(Object.keys(responses)).toEqual([
      '200',
      '201',
      '400',
      '408',
      '412',
      '413',
      '415',
      '417',
      '421',
      '422',
      '431',
      '500',
      // All bodies of requests together have a bound.
      '503',
    ]);
    expect(responses['412']).toHaveProperty('content.application/problem+json.examples.VERSION_MISMATCH');
    expect(responses['412']).toHaveProperty('content.application/problem+json.examples.ALREADY_REGISTERED');
    expect(document.components).toHaveProperty('examples.VERSION_MISMATCH.value.currentVersion', 8);
    expect(Object.keys(document.components?.examples ?? {})).not.toContain('EVENT_NOT_FOUND');
    expect(responses['201']).toHaveProperty('headers.ETag');
    expect(responses['201']).toHaveProperty('content.application/json', {
      schema: { $ref: '#/components/schemas/Paint' },
      example: { colour: 'red', coats: 1 },
    });
    expect(Object.keys(document.paths['/paints/{name}']?.get?.responses ?? {})).toEqual([
      '200',
      '400',
      '408',
      '417',
      '421',
      '431',
      '500',
    ]);
  });

  it('leaves out what has no @Endpoint', () => {
    expect(document.paths).not.toHaveProperty('/paints/plain/text');
  });

  it('says the same in YAML', async () => {
    expect(parse((await app.inject('/openapi.yaml')).body)).toEqual(document);
  });

  it('names in its examples what is there just now', async () => {
    walls.current = 'ceiling';
    for (const path of ['/openapi.json', '/openapi.yaml']) {
      const { body } = await app.inject(path);
      expect(body).toContain('ceiling');
      expect(body).not.toContain('wall');
    }
    walls.current = 'wall';
  });

  it('has Swagger UI with its files', async () => {
    expect((await app.inject('/docs')).body).toContain('swagger-ui');
    expect((await app.inject('/docs/swagger-ui-bundle.js')).statusCode).toBe(200);
    expect((await app.inject('/docs/nothing.js')).json()).toMatchObject({ code: 'ROUTE_NOT_FOUND' });
  });

  it('serves nothing else of the package of Swagger UI', async () => {
    const files = readdirSync(swaggerUiDirectory());
    expect(files).toEqual(expect.arrayContaining(['package.json', 'swagger-ui-bundle.js.map', 'swagger-ui.css.map']));
    const served = await Promise.all(
      files.map(async file => ((await app.inject(`/docs/${file}`)).statusCode === 200 ? [file] : [])),
    );
    expect(served.flat().sort()).toEqual([...SWAGGER_UI_FILES].sort());
    for (const path of ['/docs/..%2fpackage.json', '/docs/%2e%2e/package.json', '/docs/docs/package.json']) {
      expect((await app.inject(path)).statusCode, path).not.toBe(200);
    }
  });

  describe.each([
    '/docs',
    '/docs/',
    '/docs/index.html',
    '/docs/swagger-ui-bundle.js',
    '/docs/swagger-ui-init.js',
    '/docs/swagger-ui.css',
    '/docs/docs.css',
    '/docs/errors',
    '/docs/errors/VALIDATION_FAILED',
    '/docs/guides',
    '/docs/guides/',
    '/docs/guides/clients',
    '/docs/guides/clients.md',
    '/docs/guides/verify-audit-export.mjs',
    '/',
  ])('%s', path => {
    const browser = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };

    it('runs no script of others, is in no frame, and tells nobody of itself', async () => {
      const { headers, statusCode } = await app.inject({ url: path, headers: browser });
      expect([200, 302]).toContain(statusCode);
      const policy = String(headers['content-security-policy']).split('; ');
      expect(policy).toEqual(expect.arrayContaining(["default-src 'none'", "script-src 'self'", "connect-src 'self'"]));
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy.join()).not.toContain('unsafe');
      expect(headers).toMatchObject({
        'x-frame-options': 'DENY',
        'referrer-policy': 'no-referrer',
        'x-content-type-options': 'nosniff',
      });
    });

    it('needs nothing that its policy forbids', async () => {
      const { body, headers } = await app.inject({ url: path, headers: browser });
      if (!String(headers['content-type']).includes('html')) return;
      expect(body).not.toMatch(/<style|style=|<script>|\son\w+=|javascript:|src="https?:|<link[^>]+href="https?:/);
    });

    it('is not sent again to who has it', async () => {
      const { headers, statusCode } = await app.inject({ url: path, headers: browser });
      if (statusCode !== 200) return;
      expect(headers['cache-control']).toMatch(/no-cache|max-age=0/);
      const again = await app.inject({ url: path, headers: { ...browser, 'if-none-match': String(headers.etag) } });
      expect(again).toMatchObject({ statusCode: 304, body: '' });
      expect(again.headers).toHaveProperty('content-security-policy');
    });
  });

  describe('at the root', () => {
    it.each([
      'text/html',
      'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
      'application/json;q=0.5, TEXT/HTML;q=0.4',
      'text/html;level=1',
    ])('leads who takes %s to /docs', async accept => {
      const answer = await app.inject({ url: '/', headers: { accept } });
      expect(answer).toMatchObject({ statusCode: 302, headers: { location: 'docs', vary: 'Accept' } });
      expect((await app.inject({ method: 'HEAD', url: '/', headers: { accept } })).statusCode).toBe(302);
    });

    it.each([undefined, '*/*', 'application/json', 'text/*', 'text/html;q=0', 'text/html-fragment'])(
      'has nothing for who takes %s',
      async accept => {
        const answer = await app.inject({ url: '/', headers: accept === undefined ? {} : { accept } });
        expect(answer).toMatchObject({ statusCode: 404, headers: { vary: 'Accept' } });
        expect(answer.json()).toMatchObject({ code: 'ROUTE_NOT_FOUND', detail: expect.stringContaining('See /docs') });
      },
    );

    it('knows no other method', async () => {
      const answer = await app.inject({ method: 'POST', url: '/', headers: { accept: 'text/html' } });
      expect(answer.json()).toMatchObject({ code: 'ROUTE_NOT_FOUND' });
    });
  });

  it.each(Object.keys(ERROR_CODES))('has a page for %s', async code => {
    const page = await app.inject(`/docs/errors/${code}`);
    expect(page.statusCode).toBe(200);
    expect(page.headers['content-type']).toContain('text/html');
    expect(page.body).toContain(code);
    expect((await app.inject('/docs/errors')).body).toContain(`/docs/errors/${code}`);
  });

  it('has no page for a code that does not exist', async () => {
    expect((await app.inject('/docs/errors/NONSENSE')).json()).toMatchObject({ code: 'ROUTE_NOT_FOUND' });
  });
});

describe('the documents that the build made', () => {
  const texts = {
    json: { plain: '{"id":"wall"}', marked: `{"id":"wall","url":"/prefix-of-the-proxy"}` },
    yaml: { plain: `id: wall\n${'# long\n'.repeat(10_000)}`, marked: 'url: /prefix-of-the-proxy\n' },
  };
  const walls = { current: 'wall' };
  let app: NestFastifyApplication;

  beforeAll(async () => {
    const settings = { HOST: '127.0.0.1', PCS_ALLOWED_HOSTS: [], PCS_KEEP_ALIVE_SECONDS: 75, PCS_COMPRESSION: true };
    const adapter = createHttpAdapter({ ...settings, PCS_TRUSTED_PROXIES: ['127.0.0.1'] });
    app = await NestFactory.create<NestFastifyApplication>(PaintModule, adapter, { logger: false });
    configureHttp(app, { PCS_CORS_ORIGINS: [] });
    serveApiDocs(app, api, { texts, liveExamples: () => [['wall', walls.current]] });
    await app.init();
    await app.getHttpAdapter().getInstance().ready();
  });
  afterAll(() => app.close());

  const get = (url: string, headers: Record<string, string> = {}, method: 'GET' | 'HEAD' = 'GET') =>
    app.inject({ method, url, headers });

  it('are what is served: no controller is scanned for them', async () => {
    expect((await get('/openapi.json')).json()).toEqual({ id: 'wall' });
    expect((await get('/openapi.yaml')).body).toBe(texts.yaml.plain);
    const below = await get('/openapi.json', { 'x-forwarded-prefix': '/pcs' });
    expect(below.json()).toEqual({ id: 'wall', url: '/pcs' });
    expect(below.headers['vary']).toContain('X-Forwarded-Prefix');
  });

  it.each(['/openapi.json', '/openapi.yaml'])(
    'are not sent again to who has them, until an example changes (%s)',
    async path => {
      const tag = String((await get(path)).headers.etag);
      expect(await get(path, { 'if-none-match': tag })).toMatchObject({ statusCode: 304, body: '' });
      walls.current = 'ceiling';
      const changed = await get(path, { 'if-none-match': tag });
      expect(changed.statusCode).toBe(200);
      expect(changed.body).toContain('ceiling');
      walls.current = 'wall';
      expect((await get(path, { 'if-none-match': tag })).statusCode).toBe(304);
      const other = await get(path, { 'if-none-match': tag, 'x-forwarded-prefix': '/pcs' });
      expect(other.statusCode, 'the document of a prefix is another one').toBe(200);
    },
  );

  it('have the same headers for HEAD as for GET, plain and compressed', async () => {
    for (const coding of ['gzip', 'identity']) {
      const asked = { 'accept-encoding': coding };
      const [whole, head] = [await get('/openapi.yaml', asked), await get('/openapi.yaml', asked, 'HEAD')];
      for (const name of ['content-length', 'content-encoding', 'content-type', 'etag', 'vary', 'cache-control'])
        expect(head.headers[name], name).toBe(whole.headers[name]);
      expect(head.body).toBe('');
    }
  });

  it('have a compressed form that is the document', async () => {
    const asked = { 'accept-encoding': 'gzip' };
    const [first, second] = [await get('/openapi.yaml', asked), await get('/openapi.yaml', asked)];
    expect(gunzipSync(first.rawPayload).toString()).toBe(texts.yaml.plain);
    expect(second.rawPayload.equals(first.rawPayload)).toBe(true);
  });

  it('are right for each of more prefixes than variants are kept', async () => {
    for (let round = 0; round < 2; round++) {
      for (let n = 0; n < 20; n++) {
        const { body } = await get('/openapi.yaml', { 'x-forwarded-prefix': `/p-${n}` });
        expect(body).toBe(`url: /p-${n}\n`);
      }
    }
  });
});
