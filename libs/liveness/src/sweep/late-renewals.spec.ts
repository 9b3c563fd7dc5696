import { describe, expect, it } from 'vitest';
import { type Command, decide } from '@coordination/registry';
import { type InstanceRecord } from '@coordination/catalog';
import { someTasks } from '../../../../test/support/nodes/background-tasks.js';
import { aLeasedInstance, NOW, registerCommand } from '../../../../test/support/catalog/factories.js';
import { LateRenewals } from './late-renewals.js';

const MOMENT = { now: NOW, clock: NOW, revision: 2, actor: 'system:liveness' };

const health = (differing: Partial<InstanceRecord['health']>): InstanceRecord['health'] => ({
  state: 'unhealthy',
  failures: 0,
  output: '',
  decidedBy: 'lease',
  since: NOW,
  ...differing,
});

/** The command for an instance whose renewal came too late. */
function commandFor(id: string): Command {
  const asked: Command[] = [];
  const writer = {
    submit: ({ commands }: { commands: readonly Command[] }) => Promise.resolve(asked.push(...commands)),
  };
  let heal: ((ids: readonly string[]) => void) | undefined;
  const renewals = { onRevived: (reviver: NonNullable<typeof heal>) => void (heal = reviver) };
  new LateRenewals(writer as never, renewals, { renewedLate: () => undefined }, someTasks()).onModuleInit();
  heal!([id]);
  return asked[0]!;
}

describe('A heartbeat that came before the end of the lease was acted on', () => {
  it('heals the instance', () => {
    const lapsed = aLeasedInstance({ health: health({}) });
    expect(decide(lapsed, commandFor(lapsed.instance.id), MOMENT)).toMatchObject({
      kind: 'changed',
      after: { instance: { status: 'healthy' } },
    });
  });

  it('does not change an instance that has registered meanwhile, as starting', () => {
    const lapsed = aLeasedInstance({ health: health({}), incarnation: 'boot-1' });
    const asked = commandFor(lapsed.instance.id);
    for (const incarnation of ['boot-1', 'boot-2', undefined]) {
      const registered = decide(lapsed, registerCommand({ initialState: 'starting', incarnation }), MOMENT);
      if (registered.kind !== 'changed') throw new Error(`it is ${registered.kind}`);
      const decision = decide(registered.after, asked, MOMENT);
      expect(decision.kind === 'changed', incarnation).toBe(false);
    }
  });
});
