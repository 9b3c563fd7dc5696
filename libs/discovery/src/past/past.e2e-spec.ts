import { randomUUID } from 'node:crypto';
import { EPOCH_JUMP } from '@coordination/log/testing';
import { type InstanceRecord } from '@coordination/catalog';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LeasedView } from '../../../../test/support/http/api.js';
import { brief, type CatalogService, headOf, startCatalog } from '../../../../test/support/catalog/catalog-service.js';

interface Instances {
  readonly revision: number;
  readonly counts: Readonly<Record<string, number>>;
  readonly instances: readonly InstanceRecord[];
}

interface Page {
  readonly revision: number;
  readonly items: readonly InstanceRecord[];
  readonly nextCursor: string | null;
}

const DISCOVERY = '/api/v1/discovery';
const ORDERS = `${DISCOVERY}/services/orders/instances`;
const SEARCH = `${DISCOVERY}/instances`;
const SERVICES = `${DISCOVERY}/services`;

let catalog: CatalogService;

beforeAll(async () => {
  catalog = await startCatalog();
});
afterAll(() => catalog.close());

const api = () => catalog.api;
const namesOf = (records: readonly InstanceRecord[]) => records.map(record => record.instanceId);
const problemOf = async (path: string) => brief((await api().get(path)).body);

/** The tag of a compressed response is weak, and only cached responses of this size are compressed. */
const PLAIN = { headers: { 'accept-encoding': 'identity' } };

describe('asOf', () => {
  it('equals the response at that time, byte for byte, with its ETag', async () => {
    await api().register({ instanceId: 'a', metadata: { zebra: 1, b: { y: null, x: [1.5, 'ä'] } } });
    const answers: { readonly revision: number; readonly text: string; readonly etag: string | null }[] = [];
    const note = async () => {
      const response = await fetch(`${api().url}${ORDERS}?status=any`, PLAIN);
      const revision = Number(response.headers.get('x-catalog-revision'));
      answers.push({ revision, text: await response.text(), etag: response.headers.get('etag') });
    };
    await note();
    await api().register({ instanceId: 'b', zone: 'eu-1' });
    await note();
    await api().ok('DELETE', `/api/v1/registry/services/orders/instances/a`);
    await note();
    const again = await api().register({ instanceId: 'a' });
    await note();
    await api().ok('PUT', `/api/v1/registry/instances/${again.id}/override`, { status: 'maintenance', reason: 'disk' });
    await note();
    await api().register({ service: 'other' });

    for (const { revision, text, etag } of answers) {
      const response = await fetch(`${api().url}${ORDERS}?status=any&asOf=${revision}`, PLAIN);
      expect(await response.text()).toBe(text);
      expect(response.headers.get('etag')).toBe(etag);
      expect(response.headers.get('x-catalog-revision')).toBe(String(revision));
      expect(response.headers.get('cache-control')).toBe('private, max-age=3600, immutable');
      const known = await api().get(`${ORDERS}?status=any&asOf=${revision}`, { 'if-none-match': etag! });
      expect(known.status).toBe(304);
    }
  });

  it('has the revision of the service in the body, and that of the catalog in the header', async () => {
    const { revision } = await api().register({ service: 'own', instanceId: 'a' });
    await api().register({ service: 'other', instanceId: 'later' });
    const head = await headOf(api());
    const answer = await api().get<Instances>(`${SERVICES}/own/instances?asOf=${head}`);
    expect([answer.revision, answer.body.revision]).toEqual([head, revision]);
    const never = await api().get<Instances>(`${SERVICES}/never/instances?asOf=${head}`);
    expect([never.body.revision, never.body.instances]).toEqual([head, []]);
    const empty = await api().get<Instances>(`${SERVICES}/own/instances?asOf=0`);
    expect([empty.revision, empty.body.revision, empty.body.counts['total']]).toEqual([0, 0, 0]);
  });

  it('takes all filters, sorts and orders, and the default status of each operation', async () => {
    const hurt = await api().register({ service: 'mixed', instanceId: 'hurt', zone: 'z' });
    await api().register({ service: 'mixed', instanceId: 'well', zone: 'z', metadata: { version: '2.1.0' } });
    for (let n = 0; n < 3; n++) {
      await api().ok('POST', `/api/v1/registry/instances/${hurt.id}/health-reports`, { healthy: false });
    }
    const at = await headOf(api());
    await api().ok('DELETE', `/api/v1/registry/instances/${hurt.id}`);
    const list = async (query: string) =>
      (await api().ok<Instances>('GET', `${SERVICES}/mixed/instances?asOf=${at}&${query}`)).instances;
    expect(namesOf(await list(''))).toEqual(['well']);
    expect(namesOf(await list('status=any'))).toEqual(['hurt', 'well']);
    expect(namesOf(await list('status=any&appVersion=^2'))).toEqual(['well']);
    expect(namesOf(await list('status=any&filter=instanceId matches "^h"'))).toEqual(['hurt']);
    for (const sort of ['service', 'registeredAt', 'updatedAt']) {
      for (const order of ['asc', 'desc']) {
        const page = await api().ok<Page>('GET', `${SEARCH}?asOf=${at}&zone=z&sort=${sort}&order=${order}`);
        expect(namesOf(page.items).toSorted()).toEqual(['hurt', 'well']);
        expect(page.revision).toBe(at);
      }
    }
    const { services } = await api().ok<{ services: object[] }>('GET', `${SERVICES}?asOf=${at}&zone=z`);
    expect(services).toMatchObject([{ service: 'mixed', versions: ['2.1.0'], instances: { total: 2, unhealthy: 1 } }]);
  });

  it('makes a walk over pages one over a single revision, whatever is written meanwhile, by a time as well', async () => {
    const added: LeasedView[] = [];
    for (let n = 0; n < 12; n++) added.push(await api().register({ service: 'walked', instanceId: `i-${n}` }));
    const at = added.at(-1)!;
    for (const asOf of [String(at.revision), at.updatedAt]) {
      const names: string[] = [];
      let path = `${SEARCH}?service=walked&limit=5&asOf=${asOf}`;
      for (let n = 0; ; n++) {
        const answer = await api().get<Page>(path);
        expect([answer.status, answer.revision, answer.body.revision]).toEqual([200, at.revision, at.revision]);
        names.push(...answer.body.items.map(record => record.instanceId));
        if (answer.body.nextCursor === null) break;
        await api().ok('DELETE', `/api/v1/registry/instances/${added.pop()!.id}`);
        added.unshift(await api().register({ service: 'walked', instanceId: `late-${asOf}-${n}` }));
        path = `${SEARCH}?service=walked&limit=5&asOf=${asOf}&cursor=${answer.body.nextCursor}`;
      }
      expect(names).toEqual(Array.from({ length: 12 }, (_, n) => `i-${n}`).toSorted());
    }
  });

  it('is refused where it is invalid, and where past reads are not supported', async () => {
    for (const asOf of ['', 'x', '-1', '1.5', '1e3', '9007199254740992', '%00', '2026-11-23', '2026-13-01T00:00:00Z']) {
      for (const path of [ORDERS, SERVICES, SEARCH]) {
        expect(await problemOf(`${path}?asOf=${asOf}`), asOf).toEqual({
          status: 400,
          code: 'VALIDATION_FAILED',
          at: ['/query/asOf'],
        });
      }
    }
    for (const query of ['asOf=1&asOf=2', 'asOf=9999-01-01T00:00:00Z']) {
      expect(await problemOf(`${ORDERS}?${query}`)).toMatchObject({ status: 400, at: ['/query/asOf'] });
    }
    for (const path of [`${DISCOVERY}/namespaces`, `${SERVICES}/orders/resolve`]) {
      expect(await problemOf(`${path}?asOf=1`)).toMatchObject({ status: 400, code: 'VALIDATION_FAILED' });
    }
    const { nextCursor } = await api().ok<Page>('GET', `${SEARCH}?limit=1&asOf=3`);
    for (const query of ['', '&asOf=4']) {
      const problem = await problemOf(`${SEARCH}?limit=1&cursor=${nextCursor}${query}`);
      expect(problem).toMatchObject({ status: 400, code: 'INVALID_CURSOR' });
    }
  });

  it('is an error for revisions that the catalog never had', async () => {
    const head = await headOf(api());
    await catalog.sql('select ensure_service_event_partitions($1)', [head + EPOCH_JUMP]);
    await catalog.sql('update service_revision set revision = $1', [head + EPOCH_JUMP]);
    await catalog.sql(
      `insert into service_event (revision, at, action, after, actor, source, batch_id, previous_hash, hash, hash_version)
       select revision + $1, at, 'catalog.epoch_started',
         jsonb_build_object('epoch', $2::text, 'previousEpoch', epoch, 'previousRevision', revision, 'reason', 'log-shorter'),
         'x', 'system', gen_random_uuid(), hash, hash, 1 from catalog_head`,
      [EPOCH_JUMP, randomUUID()],
    );
    await catalog.sql(
      `update catalog_head set revision = e.revision, epoch = (e.after ->> 'epoch')::uuid
       from service_event e where e.action = 'catalog.epoch_started'`,
    );
    const of = `${ORDERS}?status=any&asOf=`;
    const { body: before } = await api().get<Instances>(of + head);
    // The beginning of an epoch counts as a change of every service, and changes no instance.
    const begun = head + EPOCH_JUMP;
    expect((await api().get<Instances>(`${of}${begun}`)).body).toEqual({ ...before, revision: begun });
    for (const revision of [head + 1, head + EPOCH_JUMP - 1, head + EPOCH_JUMP + 1, Number.MAX_SAFE_INTEGER]) {
      expect(await problemOf(of + revision)).toEqual({ status: 410, code: 'REVISION_UNKNOWN' });
    }
  });
});
