import { StoreUnavailableError } from '@coordination/kernel';
import { type CatalogWriter } from '@coordination/registry';
import { describe, expect, it } from 'vitest';
import { aToldTask, someTasks } from '../../../../test/support/nodes/background-tasks.js';
import { waitFor } from '../../../../test/support/time/wait-for.js';
import { LateRenewals } from './late-renewals.js';

describe('The task that heals late renewals', () => {
  it('reports that instances could not be healed, until one is', async () => {
    let isAway = true;
    const submit = () => (isAway ? Promise.reject(new StoreUnavailableError()) : Promise.resolve({ results: [] }));
    const { task } = aToldTask('lease-revival');
    const writer = { submit } as unknown as CatalogWriter;
    const [renewals, metrics] = [{ onRevived: () => undefined }, { renewedLate: () => undefined }];
    const late = new LateRenewals(writer, renewals, metrics, someTasks(task));
    // Two requests of 500 at the most.
    late.heal(Array.from({ length: 501 }, (_, n) => String(n)));
    await waitFor('it is reported', () => task.trouble);
    expect(task.trouble).toMatchObject({ failuresInARow: 2 });
    isAway = false;
    late.heal(['one']);
    await waitFor('it is over', () => !task.trouble);
  });
});
