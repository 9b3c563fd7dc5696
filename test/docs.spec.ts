import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Script } from 'node:vm';
import { parse, parseAllDocuments } from 'yaml';
import { SETTINGS } from '@coordination/config/testing';
import { BACKGROUND_TASKS, ERROR_CODES } from '@coordination/kernel';
import { BREAK_REASONS } from '@coordination/log';
import { GUIDES } from '../apps/coordination/src/documentation/guides.js';

const ROOT = resolve(import.meta.dirname, '..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const pages = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...globSync('docs/**/*.md', { cwd: ROOT })].map(
  path => ({
    path,
    text: read(path),
  }),
);

/** Variables of others that the documentation speaks of. */
const FOREIGN = [
  'NODE_EXTRA_CA_CERTS',
  'NODE_OPTIONS',
  'PGCONNECT_TIMEOUT',
  'POSTGRES_PASSWORD',
  'PUBLISHED_PORT',
  'POSTGRES_URL',
  'DB_HOST',
].concat([
  // Of docs/examples.
  'REGISTRY_URL',
  'TTL_SECONDS',
  'DRAIN_SECONDS',
]);

/** What is found in any page by the first group of a pattern, with the page. */
const mentions = (pattern: RegExp) =>
  pages.flatMap(({ path, text }) => [...text.matchAll(pattern)].map(([, found = '']) => ({ path, found })));

const withoutCode = (markdown: string) => markdown.replaceAll(/^ *```[^]*?^ *```$/gm, '');

/** The anchors of the headings of a page, as GitHub makes them. */
const anchorsOf = (markdown: string) =>
  [...withoutCode(markdown).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );

/** The code blocks alone. */
const withoutProse = (markdown: string) =>
  [...markdown.matchAll(/^ *```[^]*?^ *```$/gm)].map(([block]) => block).join('\n');

/** The content of the code blocks of a language. */
const blocksOf = (markdown: string, language: string) =>
  [...markdown.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'gm'))].map(([, block = '']) => block);

describe('the documentation', () => {
  it('has no link that leads nowhere', () => {
    const broken = pages.flatMap(({ path, text }) =>
      [...withoutCode(text).matchAll(/\]\((?!https?:)([^)\s]+)\)/g)]
        .map(([, target = '']) => target)
        .filter(target => !leadsSomewhere(path, target))
        .map(target => `${path}: ${target}`),
    );
    expect(broken).toEqual([]);
  });

  it('has every guide among those that the service lists', () => {
    const listed = GUIDES.main.map(({ name }) => `${name}.md`);
    expect(listed.sort()).toEqual(globSync('*.md', { cwd: GUIDES.directory, exclude: ['README.md'] }).sort());
    expect(relative(ROOT, GUIDES.directory)).toBe('docs');
  });

  it('mentions only settings, error codes and reasons that exist', () => {
    const known = new Set([...Object.keys(SETTINGS), ...Object.keys(ERROR_CODES), ...BREAK_REASONS, ...FOREIGN]);
    const names = [...mentions(/`([A-Z]+(?:_[A-Z]+)+)(?:=[^`]*)?`/g), ...mentions(/\b((?:PCS|DATABASE)_[A-Z_]+)\b/g)];
    expect(names.length).toBeGreaterThan(50);
    expect(names.filter(({ found }) => !known.has(found))).toEqual([]);
  });

  it('mentions only routes that exist', () => {
    const { paths } = JSON.parse(read('docs/openapi.json')) as { paths: Record<string, unknown> };
    const routes = Object.keys(paths).map(path => path.split('/'));
    const exists = (path: string) =>
      routes.some(route =>
        path.split('/').every((part, n) => part === route[n] || (part !== '' && route[n]?.startsWith('{'))),
      );
    const mentioned = mentions(/(\/api\/v1\/[\w{}./-]*\w\}?)/g);
    expect(mentioned.length).toBeGreaterThan(20);
    expect(mentioned.filter(({ found }) => !exists(found))).toEqual([]);
  });

  it('mentions only metrics that exist', () => {
    const sources = globSync('libs/**/*.ts', { cwd: ROOT, exclude: ['**/*.spec.ts'] }).map(read);
    const isMade = (name: string) => sources.some(source => source.includes(`'${name}'`));
    // Histograms come with series of their own.
    const exists = (metric: string) => {
      const name = metric.replace('pcs_', '');
      return isMade(name) || isMade(name.replace(/_(?:count|sum|bucket)$/, ''));
    };
    const mentioned = mentions(/\b(pcs_[a-z_]+)\b/g);
    expect(mentioned.length).toBeGreaterThan(10);
    expect(mentioned.filter(({ found }) => !exists(found))).toEqual([]);
  });

  it('tells of every background task what the code says', () => {
    const operations = read('docs/operations.md');
    const told = [...operations.matchAll(/^\| `([a-z-]+)` \| (.+) \| (.+) \|$/gm)].map(([, ...cells]) => cells);
    for (const [name, { does, whileFailing }] of Object.entries(BACKGROUND_TASKS)) {
      expect(told).toContainEqual([name, does, whileFailing]);
    }
  });

  it('mentions only commands that exist', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const targets = new Set([...read('Makefile').matchAll(/^([a-z0-9-]+):/gm)].map(([, target]) => target));
    const npm = mentions(/\bnpm run ([a-z0-9:-]+)/g).filter(({ found }) => !(found in scripts));
    const make = mentions(/(?:^|`)make ([a-z0-9-]+)/gm).filter(({ found }) => !targets.has(found));
    expect([...npm, ...make]).toEqual([]);
  });

  it('names only files of the repository that exist', () => {
    const named = mentions(/`((?:apps|libs|migrations|scripts|test)\/[\w./-]*)(?:\s[^`]*)?`/g);
    const inCommands = mentions(/\bvitest [^\n`]*?\b((?:apps|libs|test)\/[\w./-]+)/g);
    expect(named.length).toBeGreaterThan(50);
    expect([...named, ...inCommands].filter(({ found }) => !existsSync(join(ROOT, found)))).toEqual([]);
  });

  it('has the numbers of its decisions in order', () => {
    const numbers = globSync('docs/adr/[0-9]*.md', { cwd: ROOT })
      .map(path => Number(/(\d+)-/.exec(path)?.[1]))
      .sort((a, b) => a - b);
    expect(numbers).toEqual(numbers.map((_, index) => index + 1));
  });
});

/** Whether a link of a page leads to a file, and to a heading of it where it names one. */
function leadsSomewhere(page: string, target: string): boolean {
  const [file = '', anchor] = target.split('#');
  const path = file === '' ? join(ROOT, page) : resolve(ROOT, dirname(page), file);
  if (relative(ROOT, path).startsWith('..') || !existsSync(path)) return false;
  return anchor === undefined || anchorsOf(readFileSync(path, 'utf8')).includes(anchor);
}

interface Container {
  readonly env: readonly { readonly name: string; readonly value: string }[];
  readonly lifecycle: { readonly preStop: { readonly exec: { readonly command: readonly string[] } } };
}

interface Deployment {
  readonly kind: string;
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly enableServiceLinks: boolean;
        readonly terminationGracePeriodSeconds: number;
        readonly containers: readonly Container[];
      };
    };
  };
}

/** What the process may take beyond drain and grace: see apps/coordination/src/process-end.ts. */
const LAST_CHANCE_SECONDS = 3;

describe('the manifests for Kubernetes', () => {
  const documents = blocksOf(read('docs/kubernetes.md'), 'yaml').flatMap(block => parseAllDocuments(block));

  it('are YAML', () => {
    expect(documents.length).toBeGreaterThan(5);
    expect(documents.flatMap(({ errors }) => errors)).toEqual([]);
  });

  it('leave the service the time that it needs to end', () => {
    const deployment = documents
      .map(document => document.toJS() as Deployment)
      .find(({ kind }) => kind === 'Deployment')!;
    const { terminationGracePeriodSeconds, enableServiceLinks, containers } = deployment.spec.template.spec;
    const { env, lifecycle } = containers[0]!;
    const seconds = (name: string) => Number(env.find(variable => variable.name === name)?.value);
    const needed =
      Number(lifecycle.preStop.exec.command.at(-1)) +
      seconds('PCS_SHUTDOWN_DRAIN_SECONDS') +
      seconds('PCS_SHUTDOWN_GRACE_SECONDS') +
      LAST_CHANCE_SECONDS;
    expect(terminationGracePeriodSeconds).toBeGreaterThan(needed);
    expect(enableServiceLinks).toBe(false);
  });
});

describe('the advice for instances that end', () => {
  it('never deregisters from outside the process', () => {
    const hooks = pages.filter(({ text }) =>
      /preStop[^]{0,600}(?:-X DELETE|-XDELETE|--request DELETE)/.test(withoutProse(text)),
    );
    expect(hooks.map(({ path }) => path)).toEqual([]);
  });

  it('sets the override that heartbeats may follow', () => {
    expect(read('docs/kubernetes.md')).toMatch(
      /preStop:[^]{0,300}-X PUT[^]{0,200}"status":"stopping"[^]{0,200}\/override/,
    );
  });
});

interface ComposeService {
  readonly ports?: readonly string[];
  readonly stop_grace_period: string;
  readonly healthcheck: { readonly test: readonly unknown[] };
}

interface Compose {
  readonly services: Readonly<Record<'postgres' | 'coordination', ComposeService>>;
}

describe('the files for Docker', () => {
  const text = read('docker-compose.yml');
  const compose = parse(text) as Compose;

  it('have no password, and no start without one', () => {
    const places = [...text.matchAll(/\$\{POSTGRES_PASSWORD([^}]*)\}/g)];
    expect(places.length).toBeGreaterThan(0);
    for (const [, rule] of places) expect(rule).toMatch(/^:\?/);
    expect(read('Dockerfile')).not.toMatch(/PASSWORD|DATABASE_URL/);
    expect(read('.env.example')).toMatch(/^POSTGRES_PASSWORD=$/m);
  });

  it('publish on loopback only', () => {
    expect(compose.services.postgres.ports).toBeUndefined();
    for (const port of compose.services.coordination.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:/);
  });

  it('check health by commands whose words are texts, and whose script is a script', () => {
    for (const { healthcheck } of Object.values(compose.services)) {
      expect(healthcheck.test).toEqual(healthcheck.test.map(() => expect.any(String)));
    }
    const script = String(compose.services.coordination.healthcheck.test.at(-1));
    // Compiled, not run: a word that YAML took apart would be no script any more.
    expect(() => new Script(script)).not.toThrow();
  });

  it('leave the service the time that it needs to end', () => {
    const needed =
      Number(SETTINGS.PCS_SHUTDOWN_DRAIN_SECONDS.fallback) +
      Number(SETTINGS.PCS_SHUTDOWN_GRACE_SECONDS.fallback) +
      LAST_CHANCE_SECONDS;
    expect(Number.parseInt(compose.services.coordination.stop_grace_period, 10)).toBeGreaterThan(needed);
  });

  it('bring along what /docs serves', () => {
    for (const directory of ['docs', 'libs/http/browser']) {
      expect(read('Dockerfile')).toContain(`\nCOPY ${directory} ${directory}\n`);
      const [top] = directory.split('/');
      expect(read('.dockerignore')).toMatch(new RegExp(`^!${top}$`, 'm'));
    }
  });

  it('do not run the service as root', () => {
    expect(read('Dockerfile')).toMatch(/^USER [1-9]\d*:[1-9]\d*$/m);
  });
});
