import { StoreUnavailableError } from '@coordination/kernel';
import { type WriteRequest, type WriteResult } from '@coordination/registry';
import { beforeEach, describe, expect, it } from 'vitest';
import { aToldTask, someTasks, type ToldTask } from '../../../../test/support/nodes/background-tasks.js';
import { anHttpCheck, anInstance } from '../../../../test/support/catalog/factories.js';
import { type ProbedRecord } from './probed-record.js';
import { ProbeReports } from './probe-reports.service.js';

const ILL = { healthy: false, inARow: 3, output: 'HTTP 500' };
const WELL = { healthy: true, inARow: 3, output: 'HTTP 200' };

let told: ToldTask;
let reports: ProbeReports;
let known: Map<string, ProbedRecord>;
let refused: Set<string>;

const probed = (instanceId: string): ProbedRecord => {
  const record = anInstance({ instanceId, check: anHttpCheck({ failureThreshold: 1, successThreshold: 1 }) });
  known.set(record.id, record as ProbedRecord);
  return record as ProbedRecord;
};

beforeEach(() => {
  told = aToldTask('probe-reports');
  known = new Map();
  refused = new Set();
  const submit = ({ commands: [command] }: WriteRequest) => {
    const { id } = (command as { readonly target: { readonly id: string } }).target;
    const cause = new Error('away');
    return refused.has(id) ? Promise.reject(new StoreUnavailableError({ cause })) : Promise.resolve({} as WriteResult);
  };
  reports = new ProbeReports(
    { find: id => known.get(id) },
    { submit },
    { note: () => undefined },
    { nodeId: 'node-a' },
    someTasks(told.task),
  );
});

describe('Reports of probes', () => {
  it('fail as long as one of them cannot be written, whatever the others do', async () => {
    const [bad, good] = [probed('bad'), probed('good')];
    refused.add(bad.id);
    for (let n = 0; n < 2; n++) {
      await reports.report(bad, ILL);
      await reports.report(good, ILL);
    }
    expect(told.task.trouble).toMatchObject({ failuresInARow: 2, lastError: 'away' });
    refused.clear();
    await reports.report(good, ILL);
    expect(told.task.trouble).toBeDefined();
    await reports.report(bad, ILL);
    expect(told.task.trouble).toBeUndefined();
    expect(told.lines.at(-1)!.msg).toContain('works again; it had failed 2 times');
  });

  it.each<[string, (bad: ProbedRecord) => unknown]>([
    ['the instance is well as it stands', bad => reports.report(bad, WELL)],
    [
      'the instance is gone',
      bad => {
        known.delete(bad.id);
        return reports.report(bad, ILL);
      },
    ],
    ['another node probes the instance', bad => reports.dropReport(bad.id)],
  ])('have nothing left to write when %s', async (_, then) => {
    const bad = probed('bad');
    refused.add(bad.id);
    for (let n = 0; n < 2; n++) await reports.report(bad, ILL);
    expect(told.task.trouble).toBeDefined();
    await then(bad);
    expect(told.task.trouble).toBeUndefined();
    expect(told.lines.at(-1)!.msg).toContain('has nothing to do on this node now');
  });
});
