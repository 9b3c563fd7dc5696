import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { INSTANCES, named } from '../../support/http/api.js';
import { type CatalogService, startCatalog } from '../../support/catalog/catalog-service.js';

let catalog: CatalogService;

beforeAll(async () => {
  catalog = await startCatalog();
  await catalog.api.register({ instanceId: 'one' });
});
afterAll(() => catalog.close());

const V1 = '/api/v1';
const LIST = `${V1}/discovery/services/orders/instances`;
const ONE = named('one');
const registration = { service: 'orders', instanceId: 'one', host: '10.0.0.1', port: 80 };
const registering = (fields: object) => ({ ...registration, ...fields });

/** A request, the place that must be named, and what the message must begin with. */
type Case = readonly [request: string, body: object | undefined, at: string, message: string];

const NO_PARAMETERS = 'is not known here: this operation takes no parameters';
const meant = (name: string): string => `is not known here: did you mean ${name}? Known: `;

const PARAMETERS: Case[] = [
  [`GET ${LIST}?wait=5`, undefined, '/query/wait', meant('waitSeconds')],
  [`GET ${LIST}?Status=any`, undefined, '/query/Status', meant('status')],
  [`GET ${LIST}?min_revision=5`, undefined, '/query/min_revision', meant('minRevision')],
  [`GET ${LIST}?colour=red`, undefined, '/query/colour', 'is not known here; known: namespace, status, type, '],
  [
    `GET ${V1}/discovery/namespaces?namespace=a`,
    undefined,
    '/query/namespace',
    'is not known here; known: consistency',
  ],
  [`GET ${V1}/discovery/services?version=1`, undefined, '/query/version', meant('appVersion')],
  [`GET ${V1}/discovery/instances?limti=1`, undefined, '/query/limti', meant('limit')],
  [`GET ${V1}/discovery/services/orders/resolve?zones=a`, undefined, '/query/zones', meant('zone')],
  [`GET ${V1}/discovery/watch?sinse=1`, undefined, '/query/sinse', meant('since')],
  [`GET ${V1}/discovery/diff?from=0&til=1`, undefined, '/query/til', 'is not known here; known: from, to, '],
  [`GET ${V1}/audit/events?requestID=1`, undefined, '/query/requestID', meant('requestId')],
  [`GET ${V1}/audit/export?fromat=csv`, undefined, '/query/fromat', meant('format')],
  [`GET ${V1}/audit/verify?ancor=1`, undefined, '/query/ancor', meant('anchor')],
  [`GET ${V1}/audit/head?limit=1`, undefined, '/query/limit', NO_PARAMETERS],
  [`GET ${V1}/liveness?limit=1`, undefined, '/query/limit', NO_PARAMETERS],
  [`POST ${INSTANCES}/batch?service=a`, { instances: [] }, '/query/service', 'is not known here'],
  [`PUT ${ONE}/heartbeat?namespcae=default`, undefined, '/query/namespcae', meant('namespace')],
  [`DELETE ${ONE}?incarnationId=1`, undefined, '/query/incarnationId', meant('incarnation')],
  [`DELETE ${V1}/registry/overrides?zon=b`, undefined, '/query/zon', meant('zone')],
  [`PUT ${V1}/registry/overrides?zone=b`, {}, '/query/zone', NO_PARAMETERS],
];

const MEMBERS: Case[] = [
  [`POST ${INSTANCES}`, registering({ instanceID: 'x' }), '/instanceID', meant('instanceId')],
  [`POST ${INSTANCES}`, registering({ check: { kind: 'heartbeat', ttl: 30 } }), '/check/ttl', meant('ttlSeconds')],
  [
    `POST ${INSTANCES}`,
    registering({ check: { kind: 'http', interval: 9 } }),
    '/check/interval',
    meant('intervalSeconds'),
  ],
  [
    `POST ${INSTANCES}`,
    registering({ check: { kind: 'tcp', path: '/' } }),
    '/check/path',
    'is not known here; known: kind, ',
  ],
  [
    `POST ${INSTANCES}/batch`,
    { instances: [registration, registering({ wieght: 1 })] },
    '/instances/1/wieght',
    meant('weight'),
  ],
  [`POST ${INSTANCES}/batch`, { instance: [registration] }, '/instance', meant('instances')],
  [`POST ${V1}/registry/deregistrations`, { id: [] }, '/id', meant('ids')],
  [
    `POST ${V1}/registry/heartbeats`,
    { instances: [{ uuid: 'x' }] },
    '/instances/0/uuid',
    'is not known here; known: id, incarnation',
  ],
  [`PUT ${V1}/registry/overrides`, { selector: { zones: 'a' } }, '/selector/zones', meant('zone')],
  [`PUT ${ONE}/override`, { status: 'maintenance', reasons: 'x' }, '/reasons', meant('reason')],
  [`POST ${ONE}/health-reports`, { health: true }, '/health', meant('healthy')],
  [`PATCH ${ONE}`, { wieght: 1 }, '/wieght', meant('weight')],
  [`PUT ${ONE}`, { ...registration, metdata: {} }, '/metdata', meant('metadata')],
];

const VALUES: Case[] = [
  [`GET ${LIST}?status=helthy`, undefined, '/query/status/0', 'must be one of healthy, degraded, '],
  [`GET ${LIST}?status=healthy,DEGRADED`, undefined, '/query/status/1', 'must be one of healthy, degraded, '],
  [`GET ${LIST}?type=wroker`, undefined, '/query/type', 'must be one of api, worker, '],
  [
    `GET ${V1}/discovery/services?consistency=stong`,
    undefined,
    '/query/consistency',
    'must be one of eventual, strong',
  ],
  [`GET ${V1}/discovery/instances?sort=registered`, undefined, '/query/sort', 'must be one of service, registeredAt, '],
  [
    `GET ${V1}/discovery/services/orders/resolve?strategy=weigted`,
    undefined,
    '/query/strategy',
    'must be one of weighted, ',
  ],
  [
    `GET ${V1}/audit/events?action=instance.updatd`,
    undefined,
    '/query/action/0',
    'must be one of instance.registered, ',
  ],
  [`GET ${V1}/audit/export?format=ndjosn`, undefined, '/query/format', 'must be one of ndjson, csv'],
  [`GET ${LIST}?filter=sttaus%20==%20"healthy"`, undefined, '/query/filter', 'there is no selector sttaus'],
  [
    `GET ${V1}/discovery/watch?filter=instanceid%20==%20"a"`,
    undefined,
    '/query/filter',
    'there is no selector instanceid',
  ],
  [`GET ${LIST}?filter=status%20==%20"helthy"`, undefined, '/query/filter', 'status is one of healthy, degraded, '],
  [`POST ${INSTANCES}`, registering({ scheme: 'htps' }), '/scheme', 'must be one of http, https, '],
  [`POST ${INSTANCES}`, registering({ check: { kind: 'hearbeat' } }), '/check/kind', 'must be heartbeat, http, '],
  [`PUT ${ONE}/override`, { status: 'maintanance', reason: 'x' }, '/status', 'must be one of maintenance, '],
  [`POST ${V1}/liveness/guard`, { acton: 'end', scope: 'all', reason: 'x' }, '/action', 'must be end or force'],
  [`POST ${V1}/liveness/guard`, { action: 'forse', scope: 'all', reason: 'x' }, '/action', 'must be end or force'],
];

/** Values whose meaning is told, in the order of the cases above. */
const MEANT_VALUES = [
  'healthy',
  'degraded',
  'worker',
  'strong',
  'registeredAt',
  'weighted',
  'instance.updated',
  'ndjson',
  'status',
  'instanceId',
  'healthy',
  'https',
  'heartbeat',
  'maintenance',
  'action',
  'force',
];

async function complaintAt([request, body, at]: Case): Promise<string> {
  const [method = '', path = ''] = request.split(' ');
  const answer = await catalog.api.send(method, path, body);
  expect(answer.status, JSON.stringify(answer.body)).toBe(400);
  const message = answer.body.errors?.find(error => error.path === at)?.message ?? JSON.stringify(answer.body.errors);
  expect(answer.body.detail).toContain(`${at}: ${message}`);
  expect(message.length).toBeLessThan(600);
  return message;
}

describe('A name that is not known', () => {
  it.each(PARAMETERS)('among parameters is told with what is (%s)', async (...unknown) => {
    expect(await complaintAt(unknown)).toContain(unknown[3]);
  });

  it.each(MEMBERS)('in a body is told with what is, at any depth (%s %j)', async (...unknown) => {
    expect((await complaintAt(unknown)).startsWith(unknown[3])).toBe(true);
  });

  it('is told with the whole list once, however many there are', async () => {
    const instances = Array.from({ length: 200 }, () => registering({ wieght: 1, colour: 'x' }));
    const { body } = await catalog.api.send('POST', `${INSTANCES}/batch`, { instances });
    const messages = body.errors?.map(({ message }) => message) ?? [];
    expect(messages.filter(message => /[Kk]nown: /.test(message))).toHaveLength(1);
    expect(messages.filter(message => message.includes('did you mean weight?'))).toHaveLength(50);
    expect(messages).toHaveLength(101);
    expect(messages.at(-1)).toBe('has 300 more bad fields');
  });

  it('is repeated in a length and in signs that harm nobody', async () => {
    const harmful = '\u202e\u0007\u009b31mx';
    for (const name of ['x'.repeat(20_000), harmful]) {
      const { status, body } = await catalog.api.send('POST', INSTANCES, registering({ [name]: 1 }));
      expect(status).toBe(400);
      expect(body.errors?.[0]?.path.length).toBeLessThan(150);
      expect(body.detail.length).toBeLessThan(700);
      expect(JSON.stringify(body)).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    }
    const path = `${V1}/audit/head?${'y'.repeat(5_000)}=1&${encodeURIComponent(harmful)}=1`;
    const { body } = await catalog.api.get(path);
    expect(body.errors?.map(error => error.path)).toEqual([
      `/query/${'y'.repeat(100)}…`,
      '/query/\\u202e\\u0007\\u009b31mx',
    ]);
    const many = Array.from({ length: 500 }, (_, n) => `p${n}=1`).join('&');
    expect((await catalog.api.get(`${V1}/audit/head?${many}`)).body.errors).toHaveLength(101);
  });
});

describe('A value that is none of those that there are', () => {
  it.each(VALUES.map((value, n) => [...value, MEANT_VALUES[n]] as const))(
    'is told with those, and the likeliest (%s %j)',
    async (request, body, at, message, likeliest) => {
      const complaint = await complaintAt([request, body, at, message]);
      expect(complaint.startsWith(message)).toBe(true);
      expect(complaint).toContain(`: did you mean ${likeliest}?`);
    },
  );

  it.each([
    [`${LIST}?status=up`, 'must be one of'],
    [`${V1}/discovery/instances?sort=x`, 'must be one of'],
    [`${LIST}?filter=colour%20==%201`, 'there is no selector colour; there are '],
  ])('is told without a guess where nothing is near (%s)', async (path, message) => {
    const { body } = await catalog.api.get(path);
    expect(body.detail).toContain(message);
    expect(body.detail).not.toContain('did you mean');
  });
});
