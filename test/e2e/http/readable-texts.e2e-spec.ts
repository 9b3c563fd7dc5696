import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RegistryService } from '@coordination/registry';
import { INSTANCES, type LeasedView, named, type Problem } from '../../support/http/api.js';
import {
  brief,
  type CatalogService,
  discover,
  eventsOf,
  headOf,
  startCatalog,
} from '../../support/catalog/catalog-service.js';

const OVERRIDES = '/api/v1/registry/overrides';
const GUARD = '/api/v1/liveness/guard';

/** What each of them does to those who read the text. */
const HIDDEN = [
  ['a C1 control', '\u009b', 'U+009B'],
  ['an escape of terminals', '\u001b', 'U+001B'],
  ['DEL', '\u007f', 'U+007F'],
  ['a bidi override', '\u202e', 'U+202E'],
  ['a bidi isolate', '\u2066', 'U+2066'],
  ['a mark of direction', '\u200f', 'U+200F'],
  ['an Arabic mark of direction', '\u061c', 'U+061C'],
  ['a space of no width', '\u200b', 'U+200B'],
  ['a line separator', '\u2028', 'U+2028'],
  ['a tag', '\u{e0041}', 'U+E0041'],
] as const;

/** Node.js sends headers as Latin-1: the bytes of the text in UTF-8. */
const inHeader = (text: string) => ({ 'x-change-reason': Buffer.from(text).toString('latin1') });

let catalog: CatalogService;
let instance: LeasedView;

beforeAll(async () => {
  catalog = await startCatalog();
  instance = await catalog.api.register({ instanceId: 'read' });
});
afterAll(() => catalog.close());

const byId = () => `${INSTANCES}/${instance.id}`;
const refusalOf = ({ status, body }: { status: number; body: Problem }) => [status, brief(body), body.detail];

describe.each(HIDDEN)('%s', (_what, character, name) => {
  const text = `ev${character}il`;
  const refusal = (at: string) => [
    400,
    { status: 400, code: 'VALIDATION_FAILED', at: [at] },
    expect.stringContaining(`must not have ${name}`),
  ];

  it.each<[string, string, () => string, object]>([
    ['a health report', 'POST', () => `${byId()}/health-reports`, { healthy: false, output: text }],
    ['a health report by name', 'POST', () => `${named('read')}/health-reports`, { healthy: false, output: text }],
    ['an override', 'PUT', () => `${byId()}/override`, { status: 'stopped', reason: text }],
    ['an override by name', 'PUT', () => `${named('read')}/override`, { status: 'stopped', reason: text }],
    ['overrides of many', 'PUT', () => OVERRIDES, { selector: { service: 'orders' }, status: 'stopped', reason: text }],
    ['an end of a guard', 'POST', () => GUARD, { action: 'end', scope: 'all', reason: text }],
    ['a forced guard', 'POST', () => GUARD, { action: 'force', scope: { service: 'orders' }, reason: text }],
  ])('is refused in the text of %s, which changes nothing', async (_where, method, path, body) => {
    const before = await headOf(catalog.api);
    const field = 'output' in body ? '/output' : '/reason';
    expect(refusalOf(await catalog.api.send(method, path(), body))).toEqual(refusal(field));
    expect(await headOf(catalog.api)).toBe(before);
  });

  it.each<[string, string, () => string, object | undefined]>([
    ['a registration', 'POST', () => INSTANCES, { service: 'orders', host: '10.0.0.9', port: 1 }],
    ['a change', 'PATCH', byId, { weight: 1 }],
    ['a heartbeat', 'PUT', () => `${byId()}/heartbeat`, undefined],
    ['a deregistration', 'DELETE', byId, undefined],
  ])('is refused in the X-Change-Reason of %s', async (_where, method, path, body) => {
    const answer = await catalog.api.send(method, path(), body, inHeader(text)).catch(() => undefined);
    // Clients do not send controls of ASCII at all.
    if (answer) expect(refusalOf(answer)).toEqual(refusal('/header/x-change-reason'));
    else expect(character.charCodeAt(0)).toBeLessThan(0x80);
  });

  it('is data in metadata, and kept as it is', async () => {
    const metadata = { note: text, tags: { team: text } };
    const { id } = await catalog.api.register({ service: 'data', instanceId: 'data', metadata });
    expect((await catalog.api.read(id)).metadata).toEqual(metadata);
  });
});

describe('A text that people can read', () => {
  it.each(['moved to rack 7 – „geplant“', '切换机房 مغادرة', '👩‍💻 ❤️', 'a\u00a0b'])(
    'is kept as it is: %s',
    async text => {
      await catalog.api.ok('PATCH', byId(), { weight: text.length }, inHeader(text));
      expect((await eventsOf(catalog.api, `instance=${instance.id}`)).at(-1)?.reason).toBe(text);
      const lines = `${text}\r\n\tand more`;
      const reported = await catalog.api.ok('POST', `${byId()}/health-reports`, { healthy: false, output: lines });
      expect(reported.health.output).toBe(lines);
      const { override } = await catalog.api.ok('PUT', `${byId()}/override`, { status: 'maintenance', reason: lines });
      expect(override?.reason).toBe(lines);
      await catalog.api.ok('DELETE', `${byId()}/override`);
      await catalog.api.ok('POST', `${byId()}/health-reports`, { healthy: true });
    },
  );

  it('is one in UTF-8: bytes that are not are told', async () => {
    const answer = await catalog.api.send('PATCH', byId(), { weight: 1 }, { 'x-change-reason': '\u0093quoted\u0094' });
    expect(refusalOf(answer)).toEqual([400, expect.anything(), expect.stringMatching(/U\+0093.*UTF-8/)]);
  });
});

describe('An instance that has such texts from before', () => {
  it('can be read, and changed in everything else', async () => {
    const [reason, output] = ['old \u202e reason', 'old \u009b output'];
    const { id } = await catalog.api.register({ service: 'old', instanceId: 'old' });
    const registry = catalog.nodes[0]!.app.get(RegistryService, { strict: false });
    await registry.reportHealth({ id }, { healthy: false, output }, {});
    await registry.setOverride({ id }, { status: 'maintenance', reason }, {});
    const path = `${INSTANCES}/${id}`;
    expect(await catalog.api.read(id)).toMatchObject({ override: { reason }, health: { output } });
    expect((await discover(catalog.api, 'old')).instances).toMatchObject([{ override: { reason } }]);
    for (const [method, below, body] of [
      ['PATCH', '', { weight: 7, metadata: { a: 1 } }],
      ['PUT', '', { host: '10.0.0.1', port: 8080, weight: 8 }],
      ['PUT', '/heartbeat', undefined],
      ['POST', '/health-reports', { healthy: true }],
      ['DELETE', '/override', undefined],
    ] as const) {
      const answer = await catalog.api.send<LeasedView>(method, path + below, body);
      expect([method, below, answer.status < 300]).toEqual([method, below, true]);
    }
    expect((await catalog.api.get(`${path}/explain`)).status).toBe(200);
    const events = await eventsOf(catalog.api, `instance=${id}`);
    expect(JSON.stringify(events)).toContain(reason);
    expect((await catalog.api.get<string>(`/api/v1/audit/export?format=csv&instance=${id}`)).body).toContain(reason);
  });
});
