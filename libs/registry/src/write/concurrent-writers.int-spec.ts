import { type LogEvent } from '@coordination/log';
import * as fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { toStored } from '@coordination/catalog';
import { someCommand } from '../../../../test/support/laws/arbitraries.js';
import { assertCatalogInvariants } from '../../../../test/support/catalog/catalog-invariants.js';
import { anIdentity, aSpec, registerCommand } from '../../../../test/support/catalog/factories.js';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database/test-database.js';
import { startSeeingWriter } from '../../../../test/support/catalog/cached-writer.js';
import { startWriter, type WritingNode } from '../../../../test/support/catalog/writer.js';
import { type Command } from '../domain/commands.js';
import { type CommandResult, type WriteResult } from '../requests/write-request.js';

let database: TestDatabase;
let nodes: readonly [WritingNode, WritingNode];

let revisionBefore = 0;

/** What came into the log since the test began. */
const newEvents = async (): Promise<LogEvent[]> => {
  const { events } = await assertCatalogInvariants(database.url);
  return events.filter(event => event.revision > revisionBefore);
};

const numbered = <T>(count: number, make: (n: number) => T): T[] => Array.from({ length: count }, (_, n) => make(n));

/** The node that a client happens to talk to. */
const nodeOf = (client: number): WritingNode => nodes[client % 2 === 0 ? 0 : 1];

const register = (instanceId: string, port = 80) =>
  registerCommand({ identity: anIdentity({ instanceId }), spec: aSpec({ port }) });

const outcomesOf = (results: readonly WriteResult[]) => results.map(result => result.results[0]!.outcome);

/** What a client does with one of five instances that others work on too. */
const lifeOfShared = (client: number): Command[] => {
  const identity = anIdentity({ instanceId: `shared-${client % 5}` });
  return [
    register(identity.instanceId, 3_000 + client),
    { kind: 'report-health', target: { identity }, report: { healthy: false, output: `${client}` } },
    { kind: 'patch', target: { identity }, patch: { metadata: { [`by${client}`]: client } } },
    { kind: 'deregister', target: { identity }, whenAbsent: 'ignore' },
  ];
};

/** What a client got for a request. */
type Answer = { readonly result: WriteResult } | { readonly code: string };

async function answerOf(client: number, commands: readonly Command[]): Promise<Answer> {
  try {
    return { result: await nodeOf(client).submit(...commands) };
  } catch (error) {
    return { code: (error as { code?: string }).code ?? String(error) };
  }
}

const REJECTIONS = [
  'INSTANCE_NOT_FOUND',
  'VERSION_MISMATCH',
  'ALREADY_REGISTERED',
  'VALIDATION_FAILED',
  'INCARNATION_ENDED',
];

const isChange = ({ outcome }: CommandResult) => !['unchanged', 'absent', 'ended'].includes(outcome);

/** Every acknowledged change is one event that says the same, and there are no other events. */
function assertAnswersAreTrue(answers: readonly Answer[], events: readonly LogEvent[]): void {
  const byRevision = new Map(events.map(event => [event.revision, event]));
  const claimed = new Set<number>();
  let changes = 0;
  for (const answer of answers) {
    if ('code' in answer) {
      expect(REJECTIONS).toContain(answer.code);
      continue;
    }
    for (const result of answer.result.results) {
      const instance = result.leased?.instance;
      if (isChange(result)) changes++;
      if (!instance || result.outcome === 'deregistered') continue;
      const event = byRevision.get(instance.revision);
      if (event)
        expect(event.after, `the answer of revision ${instance.revision} is what the log has`).toEqual(
          toStored(instance),
        );
      if (isChange(result)) {
        expect(event, `revision ${instance.revision} was acknowledged and is not in the log`).toBeDefined();
        expect(claimed.has(instance.revision), `revision ${instance.revision} was acknowledged twice`).toBe(false);
        claimed.add(instance.revision);
      }
    }
  }
  expect(events, 'one event for each acknowledged change, and no other').toHaveLength(changes);
}

describe.each([
  ['that always take the lock', startWriter],
  ['that have the catalog in memory', startSeeingWriter],
])('Two writers %s', (_, start) => {
  beforeAll(async () => {
    database = await createTestDatabase();
    nodes = [await start(database.url), await start(database.url)];
  });

  afterAll(async () => {
    await Promise.all(nodes.map(node => node.close()));
    await database.drop();
  });

  beforeEach(async () => {
    revisionBefore = (await assertCatalogInvariants(database.url)).head.revision;
  });

  afterEach(async () => {
    await assertCatalogInvariants(database.url);
  });

  describe('At the same time', () => {
    it('100 clients register 100 new instances: 100 revisions, one event each', async () => {
      const results = await Promise.all(numbered(100, n => nodes[0].submit(register(`new-${n}`))));
      expect(new Set(outcomesOf(results))).toEqual(new Set(['created']));
      expect(await newEvents()).toHaveLength(100);
    });

    it('50 clients register one identity alike: one creates it, and nothing else happens', async () => {
      const results = await Promise.all(numbered(50, n => nodeOf(n).submit(register('alike'))));
      const outcomes = outcomesOf(results);
      expect(outcomes.filter(outcome => outcome === 'created')).toHaveLength(1);
      expect(outcomes.filter(outcome => outcome === 'unchanged')).toHaveLength(49);
      expect(new Set(results.map(result => result.results[0]!.leased!.instance.id)).size).toBe(1);
      expect(await newEvents()).toHaveLength(1);
    });

    it('50 clients register one identity, each another way: every one is applied, in one order', async () => {
      const results = await Promise.all(numbered(50, n => nodeOf(n).submit(register('unlike', 1_000 + n))));
      expect(outcomesOf(results).toSorted()).toEqual(['created', ...numbered(49, () => 'updated')]);
      const versions = results.map(result => result.results[0]!.leased!.instance.version);
      expect(versions.toSorted((a, b) => a - b)).toEqual(numbered(50, n => n + 1));
      const ports = (await newEvents()).map(event => (event.after as { port: number }).port);
      expect(ports.toSorted((a, b) => a - b)).toEqual(numbered(50, n => 1_000 + n));
    });

    it('20 failures of one instance are reported: all count, each an event', async () => {
      await nodes[0].submit(register('failing'));
      const report: Command = {
        kind: 'report-health',
        target: { identity: anIdentity({ instanceId: 'failing' }) },
        report: { healthy: false, output: 'refused' },
      };
      const results = await Promise.all(numbered(20, n => nodeOf(n).submit(report)));
      expect(new Set(outcomesOf(results))).toEqual(new Set(['updated']));
      const events = await newEvents();
      expect(events).toHaveLength(21);
      expect(events.at(-1)?.after).toMatchObject({ version: 21, status: 'unhealthy', health: { failures: 20 } });
    });

    it('two nodes write with the same If-Match: exactly one wins, every time', async () => {
      const { results } = await nodes[0].submit(register('contested'));
      let { version } = results[0]!.leased!.instance;
      for (let round = 0; round < 10; round++) {
        const writes = nodes.map((node, n) =>
          node.submit({ ...register('contested', 2_000 + 2 * round + n), ifMatch: [version] }),
        );
        const settled = await Promise.allSettled(writes);
        const lost = settled.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[];
        expect(lost, `round ${round}`).toHaveLength(1);
        version++;
        expect(lost[0]!.reason).toMatchObject({ code: 'VERSION_MISMATCH', extras: { currentVersion: version } });
      }
    });

    it('two nodes register what must be new: exactly one creates it', async () => {
      const writes = numbered(10, n => nodeOf(n).submit({ ...register('unique'), mustBeNew: true }));
      const codes = (await Promise.allSettled(writes)).map(settled =>
        settled.status === 'fulfilled' ? 'created' : (settled.reason as { code: string }).code,
      );
      expect(codes.toSorted()).toEqual([...numbered(9, () => 'ALREADY_REGISTERED'), 'created']);
    });

    it('two nodes register, change and let go the same instances: nothing is lost', async () => {
      const clients = numbered(40, async client => {
        const answers: Answer[] = [];
        for (const command of lifeOfShared(client)) answers.push(await answerOf(client, [command]));
        return answers;
      });
      const answers = (await Promise.all(clients)).flat();
      assertAnswersAreTrue(answers, await newEvents());
    });
  });

  describe('Any commands of several clients through two nodes', () => {
    const someRequests = fc.array(fc.array(someCommand, { minLength: 1, maxLength: 3 }), {
      minLength: 1,
      maxLength: 8,
    });

    it('leave a sound catalog, and every answer true', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(someRequests, { minLength: 2, maxLength: 6 }), async clients => {
          const before = (await assertCatalogInvariants(database.url)).head.revision;
          const answers = await Promise.all(
            clients.map(async (requests, client) => {
              const given: Answer[] = [];
              for (const commands of requests) given.push(await answerOf(client, commands));
              return given;
            }),
          );
          const { events } = await assertCatalogInvariants(database.url);
          assertAnswersAreTrue(
            answers.flat(),
            events.filter(event => event.revision > before),
          );
        }),
        { numRuns: 12 },
      );
    });
  });
});
