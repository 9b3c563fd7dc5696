import { type RequestContext } from '@coordination/context';
import { type Databases, databaseClock } from '@coordination/database';
import { type CatalogView } from '@coordination/catalog';
import { ValidationFailedError } from '@coordination/kernel';
import { type WriteResult } from '@coordination/registry';
import { type GuardOverrides } from '../guard/guard-overrides.service.js';
import { ALL, type GuardScope } from '../guard/guard-state.js';
import { type OrderGuard } from './liveness.schemas.js';

/** What was ordered, and where in the log it is. */
export interface Ordered extends Pick<WriteResult, 'revision' | 'epoch'> {
  readonly scope: GuardScope;
  /** null: not a forced guard. */
  readonly until: string | null;
}

export interface GuardDeskTools {
  readonly orders: GuardOverrides;
  readonly view: CatalogView;
  readonly context: RequestContext;
  readonly databases: Databases;
  /** How long (ms) a guard is forced where nothing is said. */
  readonly holdsMs: number;
}

/** A guard that somebody forces and forgets would keep the dead for ever. */
const MAX_FORCED_MS = 24 * 3_600_000;

/** Takes what operators order of guards. */
export class GuardAdminService {
  constructor(private readonly tools: GuardDeskTools) {}

  /** @throws ValidationFailedError for a service that is not known, or a time that makes no sense */
  async order(wish: OrderGuard): Promise<Ordered> {
    const { orders, context } = this.tools;
    const scope = this.toScope(wish.scope);
    const asked = { scope, reason: wish.reason, origin: context.origin() };
    if (wish.action === 'end') {
      const { revision, epoch } = await orders.end(asked);
      return { revision, epoch, scope, until: null };
    }
    const { revision, epoch, note } = await orders.force({ ...asked, until: await this.toEnd(wish.until) });
    // Where nothing was said of the end, that of a repetition is still the first one.
    const { until } = note as { readonly until: string };
    return { revision, epoch, scope, until };
  }

  private toScope(asked: OrderGuard['scope']): GuardScope {
    const { view } = this.tools;
    if (asked === 'all') return ALL;
    const { namespace, service } = asked;
    view.assertReadable();
    if (!view.knowsService(namespace, service)) {
      throw refusal(
        '/scope/service',
        `is not known: nothing was ever registered as ${namespace}/${service}, or nothing for so long that it was dropped`,
      );
    }
    return { kind: 'service', namespace, service };
  }

  /** The guard is judged by the clock of the database; that of this node may differ. */
  private async toEnd(asked: string | undefined): Promise<string> {
    const { databases, holdsMs } = this.tools;
    const now = Date.parse(await databaseClock(databases));
    const until = asked === undefined ? now + holdsMs : Date.parse(asked);
    if (until <= now) throw refusal('/until', `must be later than now (${new Date(now).toISOString()})`);
    if (until > now + MAX_FORCED_MS) throw refusal('/until', 'must not be more than a day ahead; force it again then');
    return new Date(until).toISOString();
  }
}

const refusal = (path: string, message: string) => new ValidationFailedError([{ path, message }]);
