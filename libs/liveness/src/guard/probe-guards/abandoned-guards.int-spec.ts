import { type LogEvent } from '@coordination/log';
import { EVENT_COLUMNS } from '@coordination/log/testing';
import { type RoleTerm } from '@coordination/leadership';
import { type Client } from 'pg';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { assertCatalogInvariants } from '../../../../../test/support/catalog/catalog-invariants.js';
import {
  claimLongAgo,
  createSweptDatabase,
  type SweptDatabase,
} from '../../../../../test/support/catalog/swept-database.js';
import { startSweepingNode, type SweepingNode } from '../../../../../test/support/catalog/sweeping-node.js';
import { ProbeGuardRecorder } from '../../probes/holding/probe-guard-recorder.js';
import { SecondLookStore } from '../../probes/holding/second-look-store.js';
import { ALL, type GuardState } from '../guard-state.js';
import { LivenessGuardRepository } from '../liveness-guard.repository.js';

let swept: SweptDatabase;
let node: SweepingNode;
let recorder: ProbeGuardRecorder;
let term: RoleTerm;
let client: Client;

beforeEach(async () => {
  swept = await createSweptDatabase();
  ({ node, client } = swept);
  term = await claimLongAgo(swept);
  const { databases, writer } = node;
  recorder = new ProbeGuardRecorder(databases, writer, new LivenessGuardRepository(), new SecondLookStore(databases));
});

afterEach(() => swept.close());

const guard = (of: string, scope: GuardState['scope'] = ALL): GuardState => ({
  active: true,
  scope,
  phase: 'holding',
  reason: 'probe-failures',
  since: '2026-11-28T08:00:00.000Z',
  until: '2026-11-28T08:10:00.000Z',
  wouldExpire: 12,
  of: 24,
  limit: 0.3,
  detail: null,
  node: of,
});

/** One turn of the node that has the guards. */
async function confirm(of: string, after: readonly GuardState[]): Promise<void> {
  const { stored, overrides } = await recorder.read(of);
  await recorder.record(of, stored, after, overrides);
}

/** The node does not confirm its guards for longer than they count without that. */
const die = (of: string) =>
  client.query(`update probe_guard set seen_at = now() - interval '16 seconds' where node = $1`, [of]);

/** Begins and ends of guards in the log: the action, the node, and the service or `*`. */
async function noted(): Promise<string[]> {
  const { rows } = await client.query<LogEvent>(
    `select ${EVENT_COLUMNS} from service_event where action like 'liveness.guard_%' order by service_event.revision`,
  );
  return rows.map(({ action, before, after }) => {
    const { node: of, scope } = (before ?? after) as GuardState;
    return `${action.replace('liveness.guard_', '')} ${of} ${scope.kind === 'service' ? scope.service : '*'}`;
  });
}

const ORDERS = { kind: 'service', namespace: 'default', service: 'orders' } as const;

it('Guards of a dead node are ended in the log, each once, and those of others are not', async () => {
  await confirm('node-dead', [guard('node-dead'), guard('node-dead', ORDERS)]);
  await confirm('node-live', [guard('node-live')]);
  await die('node-dead');
  await node.sweep(term);
  await node.sweep(term);
  const began = ['began node-dead *', 'began node-dead orders', 'began node-live *'];
  expect(await noted()).toEqual([...began, 'ended node-dead *', 'ended node-dead orders']);
  expect((await client.query('select node from probe_guard')).rows).toEqual([{ node: 'node-live' }]);
  const { rows } = await client.query<LogEvent>(
    `select ${EVENT_COLUMNS} from service_event order by service_event.revision desc limit 1`,
  );
  expect(rows[0]).toMatchObject({
    actor: 'system:liveness',
    reason: 'node-dead does not confirm the guard any more',
    before: { phase: 'holding', reason: 'probe-failures', of: 24 },
    after: null,
  });
  await assertCatalogInvariants(swept.database.url);
});

it('A guard that was ended for its node begins anew where that node lives on, so that begins and ends alternate', async () => {
  const state = guard('node-a', ORDERS);
  await confirm('node-a', [state]);
  await confirm('node-a', [{ ...state, wouldExpire: 13 }]);
  await die('node-a');
  await node.sweep(term);
  await confirm('node-a', [state]);
  await confirm('node-a', [state]);
  await confirm('node-a', []);
  await node.sweep(term);
  const pair = ['began node-a orders', 'ended node-a orders'];
  expect(await noted()).toEqual([...pair, ...pair]);
});

it('A node that starts again under its name ends the guard that it had before', async () => {
  await confirm('node-a', [guard('node-a')]);
  // The new process knows no guard.
  await confirm('node-a', []);
  expect(await noted()).toEqual(['began node-a *', 'ended node-a *']);
});

it('Only the node that has the role ends guards of dead nodes', async () => {
  await confirm('node-dead', [guard('node-dead')]);
  await die('node-dead');
  const other = await startSweepingNode(swept.database.url);
  try {
    await client.query(`update node_role set expires_at = now() - interval '1 second'`);
    const next = (await other.claim())!;
    await node.sweep(term);
    expect(await noted()).toEqual(['began node-dead *']);
    await other.sweep(next);
    expect(await noted()).toEqual(['began node-dead *', 'ended node-dead *']);
  } finally {
    await other.close();
  }
});
