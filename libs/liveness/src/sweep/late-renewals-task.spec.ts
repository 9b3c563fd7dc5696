import { StoreUnavailableError } from '@coordination/kernel';
import { describe, expect, it } from 'vitest';
import { aToldTask } from '../../../../test/support/nodes/background-tasks.js';
import { waitFor } from '../../../../test/support/time/wait-for.js';
import { LateRenewals, type RevivalTools } from './late-renewals.js';

describe('Instances that are to be healed', () => {
  it('in vain are told of, and those that are healed end it', async () => {
    let isAway = true;
    const submit = () => (isAway ? Promise.reject(new StoreUnavailableError()) : Promise.resolve({ results: [] }));
    const { task } = aToldTask('lease-revival');
    const revivals = new LateRenewals({
      writer: { submit } as unknown as RevivalTools['writer'],
      metrics: { startSweep: () => () => undefined, expired: () => undefined, revived: () => undefined },
      task,
    });
    // Two requests of 500 at the most.
    revivals.revive(Array.from({ length: 501 }, (_, n) => String(n)));
    await waitFor('it is told', () => task.trouble);
    expect(task.trouble).toMatchObject({ failuresInARow: 2 });
    isAway = false;
    revivals.revive(['one']);
    await waitFor('it is over', () => !task.trouble);
  });
});
