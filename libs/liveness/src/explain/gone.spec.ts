import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LogEvent } from '@coordination/log';
import { type LeasedInstance, toStored } from '@coordination/catalog';
import { someLeasedInstance } from '../../../../test/support/laws/arbitraries.js';
import { aDraft } from '../../../../test/support/log/audit-log.js';
import { anInstance, NOW } from '../../../../test/support/catalog/factories.js';
import { explanationView } from './explain.schemas.js';
import { explainGone } from './gone.js';

const eventOf = (draft: Parameters<typeof aDraft>[0]): LogEvent => ({
  ...aDraft(draft),
  revision: 9,
  at: NOW,
  batchId: '019b0f1e-7a51-7c22-9a64-2f1f0f5f3b21',
  hashVersion: 1,
  previousHash: '0'.repeat(64),
  hash: '0'.repeat(64),
});

const removalOf = (
  { instance }: Pick<LeasedInstance, 'instance'>,
  draft: Parameters<typeof aDraft>[0] = {},
): LogEvent =>
  eventOf({
    action: 'instance.deregistered',
    instanceUuid: instance.id,
    version: instance.version + 1,
    before: toStored(instance),
    after: null,
    ...draft,
  });

const gone = (removal: LogEvent) => explainGone({ removal, earlier: [], successor: undefined, now: NOW });

describe('The explanation of an instance that is gone', () => {
  it('matches the schema, whatever the instance was', () => {
    fc.assert(
      fc.property(
        someLeasedInstance,
        fc.constantFrom('instance.deregistered', 'instance.expired'),
        (leased, action) => {
          const explanation = gone(removalOf(leased, { action: action as LogEvent['action'] }));
          const told = JSON.parse(JSON.stringify(explanation)) as unknown;
          expect(explanationView.parse(told)).toEqual(told);
          const { id, version, status, health, override } = leased.instance;
          expect(explanation).toMatchObject({ id, version: version + 1, status: 'gone', since: NOW, health });
          expect(explanation.removal).toMatchObject({ revision: 9, action, lastStatus: status });
          expect(explanation.override?.status).toBe(override?.status);
        },
      ),
    );
  });

  it.each<[string, Parameters<typeof aDraft>[0], string]>([
    [
      'by a caller',
      { actor: 'ada', reason: 'updated', requestId: 'r-1', clientAddress: '10.0.0.9' },
      `ada deregistered it at ${NOW}, with the reason “updated”, by the request “r-1” from 10.0.0.9.`,
    ],
    [
      'without a reason, through another protocol',
      { actor: 'ada', source: 'consul', requestId: null, clientAddress: null },
      `ada deregistered it at ${NOW}, without a reason, through consul.`,
    ],
    [
      'at the end of its lease',
      { action: 'instance.expired', actor: 'system:liveness', source: 'system', reason: 'no sign of life' },
      `It was deregistered at ${NOW}, because no heartbeat healed it after its lease had expired (no sign of life).`,
    ],
    [
      'at the end of its lease, with the reason of another version',
      { action: 'instance.expired', reason: null },
      `It was deregistered at ${NOW}, because no heartbeat healed it after its lease had expired.`,
    ],
  ])('has who removed it: %s', (_how, draft, sentence) => {
    const { because } = gone(removalOf({ instance: anInstance() }, draft));
    expect(because).toBe(`${sentence} Its status was ${anInstance().status} before.`);
  });

  it('has the instance that has its name now', () => {
    const successor = anInstance({ id: '0193b3c8-7a10-7c3e-9f52-6a8d1e4b2f99' });
    const removal = removalOf({ instance: anInstance() });
    const { notes } = explainGone({ removal, earlier: [], successor, now: NOW });
    expect(notes.join(' ')).toContain(`${successor.registeredAt}: id ${successor.id}`);
    expect(gone(removal).notes.join(' ')).toContain('with another id');
  });
});
