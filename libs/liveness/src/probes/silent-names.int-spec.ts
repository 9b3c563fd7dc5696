import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { systemClock } from '@coordination/kernel';
import { ProbePolicy, type ProbeVerdict } from '@coordination/registry';
import { anInstance, anHttpCheck, aTcpCheck } from '../../../../test/support/catalog/factories.js';
import { type DisposableDirectory, disposableDirectory } from '../../../../test/support/disposable-directory.js';
import { httpTarget, type Target } from '../../../../test/support/http/targets.js';
import { at, type FakeNameServer, startNameServer } from '../../../../test/support/names/name-server.js';
import { waitFor } from '../../../../test/support/time/wait-for.js';
import { NAME_TIMES, NameResolver } from './names/name-resolver.js';
import { SystemNames } from './names/system-names.js';
import { type ProbedRecord } from './probed-record.js';
import { type ProbeOutcome } from './run/probe-outcome.js';
import { Prober } from './run/prober.js';
import { ProbeScheduler, SLOT_MS } from './schedule/probe-scheduler.js';

/** How many names a silent zone has: more than there are places at a name server. */
const NAMES = 60;

let directory: DisposableDirectory;
let target: Target;
let server: FakeNameServer;
let names: SystemNames;
let scheduler: ProbeScheduler;
let timer: NodeJS.Timeout;
let verdicts: Map<string, ProbeVerdict[]>;
let outcomes: Map<string, ProbeOutcome[]>;

const add = <T>(map: Map<string, T[]>, id: string, value: T): void => void map.set(id, [...(map.get(id) ?? []), value]);

beforeAll(async () => {
  directory = disposableDirectory();
  target = await httpTarget((_, response) => response.end('ok'));
});
afterAll(async () => {
  await target.close();
  await directory.remove();
});
beforeEach(async () => {
  server = await startNameServer({ 'good.test': at('127.0.0.1') });
  const resolvConf = join(directory.path, 'resolv.conf');
  await writeFile(resolvConf, `nameserver ${server.address}\n`);
  names = new SystemNames(systemClock, { hosts: join(directory.path, 'no-hosts'), resolvConf });
  [verdicts, outcomes] = [new Map(), new Map()];
  const resolver = new NameResolver(names, systemClock, { ...NAME_TIMES, freshMs: 500, restMs: 500 });
  scheduler = new ProbeScheduler(
    new Prober(new ProbePolicy(['127.0.0.0/8']), resolver, systemClock, { stalledMsSince: () => 0 }),
    {
      expect: () => undefined,
      note: ({ host }, outcome) => add(outcomes, host, outcome),
      report: async ({ host }, verdict) => add(verdicts, host, verdict),
      dropReport: () => undefined,
    },
    { start: () => () => undefined, skipped: () => undefined, notCounted: () => undefined, observe: () => undefined },
    systemClock,
    100,
  );
  timer = setInterval(() => scheduler.tick(), SLOT_MS);
});
afterEach(async () => {
  clearInterval(timer);
  scheduler.dropAll();
  await server.close();
});

const probeAt = (host: string, check = anHttpCheck({ intervalSeconds: 1, timeoutSeconds: 20 })) =>
  scheduler.take(anInstance({ host, port: target.port, check }) as ProbedRecord);
const countOf = (map: Map<string, unknown[]>, host: string): number => map.get(host)?.length ?? 0;

it('Names of a silent zone have no result, and names and addresses beside them are probed as before', async () => {
  for (let n = 0; n < NAMES; n++) {
    server.zone.set(`n${n}.dead.test`, { kind: 'silent' });
    probeAt(`n${n}.dead.test`, aTcpCheck({ intervalSeconds: 1, timeoutSeconds: 2 }) as never);
  }
  probeAt('good.test');
  probeAt('127.0.0.1');
  await waitFor('each silent name was tried twice, and the others ten times', () => {
    const silent = Array.from({ length: NAMES }, (_, n) => countOf(outcomes, `n${n}.dead.test`));
    return Math.min(...silent) >= 2 && countOf(verdicts, 'good.test') >= 10 && countOf(verdicts, '127.0.0.1') >= 10;
  });
  expect([...verdicts.keys()].toSorted(), 'a silent name server counts against instances').toEqual([
    '127.0.0.1',
    'good.test',
  ]);
  for (const list of verdicts.values()) expect(list.every(({ healthy }) => healthy)).toBe(true);
  for (const [host, list] of outcomes) {
    if (host.endsWith('dead.test'))
      for (const outcome of list) expect(outcome).toMatchObject({ result: 'node', fault: 'dns' });
  }
  expect(scheduler.notCounted.get('dns'), 'it is not shown').toBe(NAMES);
});

it('The last good addresses are probed while the name server is silent, and checked by the policy each time', async () => {
  probeAt('good.test');
  await waitFor('it was probed', () => countOf(verdicts, 'good.test') > 0);
  server.zone.set('good.test', { kind: 'silent' });
  const asked = server.asked('good.test');
  const before = countOf(verdicts, 'good.test');
  await waitFor('it was asked for in vain, and probed', () => {
    return server.asked('good.test') > asked && countOf(verdicts, 'good.test') >= before + 5;
  });
  expect(verdicts.get('good.test')!.every(({ healthy }) => healthy)).toBe(true);
  // NXDOMAIN is an answer: the instance has lost its name.
  server.zone.delete('good.test');
  await waitFor('it fails', () => verdicts.get('good.test')!.some(({ healthy }) => !healthy));
});

it('A name that leads elsewhere after a silence is checked before it is contacted', async () => {
  probeAt('good.test');
  await waitFor('it was probed', () => countOf(verdicts, 'good.test') > 0);
  server.zone.set('good.test', at('10.1.2.3'));
  await waitFor('it is forbidden', () => outcomes.get('good.test')!.some(({ result }) => result === 'forbidden'));
});
