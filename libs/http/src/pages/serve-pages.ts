import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';
import { basename, dirname, extname, join } from 'node:path';
import fastifyStatic from '@fastify/static';
import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { LRUCache } from 'lru-cache';
import { addVary } from '../links/vary.js';
import { RouteNotFoundError } from '../problems/http.errors.js';
import { pathOf } from '../requests/request-target.js';
import { type EndpointRouteConfig } from '../routing/route-config.js';
import { errorIndexPage, errorPage } from './error-reference.js';
import { type GuideOptions, Guides } from './guides.js';
import { HTML, type KeptText, keptText, sendKept } from './kept-text.js';
import { PAGE_HEADERS } from './page-headers.js';
import { SWAGGER_UI_FILES, swaggerPage, swaggerUiDirectory } from './swagger-page.js';

/** Our own scripts and styles. Browsers get them as they are, so they are no part of the build. */
const BROWSER_FILES = ['swagger-ui-init.js', 'docs.css'];
const BROWSER_DIRECTORY = join(dirname(findPackageJSON(import.meta.url) ?? ''), 'libs/http/browser');

/** Pages and documents are ready to be sent, so they need no place. */
export const CONSTANT: EndpointRouteConfig = { work: 'hot' };
/** How many pages of error codes are kept, each of some 2 KB: all codes, for a few prefixes of proxies. */
const MAX_ERROR_PAGES = 200;

/** Options of the pages. */
export interface PageOptions {
  readonly title: string;
  readonly guides?: GuideOptions | undefined;
}

/** Serves the documentation pages: Swagger UI at /docs, and below it the pages of the error codes and the guides. */
export function servePages(server: FastifyInstance, options: PageOptions): void {
  const config: EndpointRouteConfig = { ...CONSTANT, isUnlisted: true };
  server.get('/', { config }, leadToDocs);
  void server.register(docs => serveDocs(docs, options), { prefix: '/docs' });
}

async function serveDocs(docs: FastifyInstance, { title, guides: options }: PageOptions): Promise<void> {
  const guides = options && new Guides(options);
  const swagger = keptText(HTML, swaggerPage(title, guides?.main ?? []));
  docs.addHook('onRequest', (_request, reply, done) => {
    void reply.headers(PAGE_HEADERS);
    done();
  });
  docs.addHook('onRoute', route => {
    route.config = { ...route.config, ...CONSTANT };
  });
  await serveFiles(docs);
  docs.get('', (request, reply) => sendKept(request, reply, swagger));
  // Links of the page are relative, so it has one URL.
  docs.get('/', { prefixTrailingSlash: 'slash' }, (_request, reply) => reply.redirect('../docs'));
  docs.get('/index.html', (_request, reply) => reply.redirect('../docs'));
  serveErrorPages(docs);
  if (guides) serveGuides(docs, guides);
}

/** Each file has a route of its own, so other files in its directory are not served. */
async function serveFiles(docs: FastifyInstance): Promise<void> {
  await docs.register(fastifyStatic, { root: BROWSER_DIRECTORY, serve: false });
  const swaggerUi = swaggerUiDirectory();
  for (const file of BROWSER_FILES) serveFile(docs, file, BROWSER_DIRECTORY);
  for (const file of SWAGGER_UI_FILES) serveFile(docs, file, swaggerUi);
}

/** The file is read on its first request and kept, because it is compressed once. Parts of it are read from the disk. */
function serveFile(docs: FastifyInstance, file: string, directory: string): void {
  let whole: KeptText | undefined;
  docs.get(`/${file}`, (request, reply) => {
    if (request.headers.range !== undefined) return reply.sendFile(file, directory);
    whole ??= keptText(typeOf(file), readFileSync(join(directory, file)));
    return sendKept(request, reply.header('accept-ranges', 'bytes'), whole);
  });
}

const FILE_TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.png': 'image/png',
};

const typeOf = (file: string): string => FILE_TYPES[extname(file)] ?? 'application/octet-stream';

function serveErrorPages(docs: FastifyInstance): void {
  const { ownLinks } = docs;
  const index = keptText(HTML, errorIndexPage());
  const pages = new LRUCache<string, KeptText>({ max: MAX_ERROR_PAGES });
  docs.get('/errors', (request, reply) => sendKept(request, reply, index));
  docs.get<{ Params: { code: string } }>('/errors/:code', (request, reply) => {
    // The example on the page has the links that this caller would get.
    ownLinks.markVarying(reply);
    const { code } = request.params;
    if (code === '') return reply.redirect('../errors');
    const base = ownLinks.baseFor(request.raw);
    const key = `${code} ${base}`;
    let page = pages.get(key);
    if (page === undefined) {
      const text = errorPage(code, base);
      if (text === undefined) throw notFound(request);
      pages.set(key, (page = keptText(HTML, text)));
    }
    return sendKept(request, reply, page);
  });
}

function serveGuides(docs: FastifyInstance, guides: Guides): void {
  docs.get('/guides', (request, reply) => sendKept(request, reply, guides.index()));
  docs.get<{ Params: { '*': string } }>('/guides/*', (request, reply) => {
    const name = request.params['*'];
    if (name === '') return reply.redirect('../guides');
    const page = guides.page(name);
    if (page !== undefined) return sendKept(request, reply, page);
    if (guides.isFileName(name)) return reply.redirect(basename(name, '.md'));
    throw notFound(request);
  });
}

/** Redirects browsers from the root to /docs; other clients get 404 as for any unknown path. */
function leadToDocs(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { ownLinks } = reply.server;
  addVary(reply, 'Accept');
  if (!takesHtml(request.headers.accept)) throw notFound(request);
  ownLinks.markVarying(reply);
  const base = ownLinks.baseFor(request.raw);
  // A proxy may serve the root without a slash at its end, so its prefix is safer than a relative path.
  return reply.headers(PAGE_HEADERS).redirect(base.startsWith('/') ? `${base}/docs` : 'docs');
}

/** Whether an `Accept` header names HTML, as browsers do; programs accept any type. */
const takesHtml = (accept = ''): boolean => accept.split(',').some(part => HTML_RANGE.test(part));
const HTML_RANGE = /^\s*text\/html\s*(?:;(?!.*\bq=0(?:\.0*)?\s*$).*)?$/i;

const notFound = (request: FastifyRequest): RouteNotFoundError =>
  new RouteNotFoundError(request.method, pathOf(request.url), request.server.ownLinks.baseFor(request.raw));
