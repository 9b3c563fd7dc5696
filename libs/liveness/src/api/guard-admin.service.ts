import { Inject, Injectable } from '@nestjs/common';
import { RequestContext } from '@coordination/context';
import { Databases, databaseClock } from '@coordination/database';
import { CatalogView } from '@coordination/catalog';
import { ValidationFailedError } from '@coordination/kernel';
import { type WriteResult } from '@coordination/registry';
import { GuardOverrides } from '../guard/guard-overrides.service.js';
import { type GuardRules, guardRules } from '../guard/guard-rules.js';
import { ALL, type GuardScope } from '../guard/guard-state.js';
import { type GuardCommand } from './liveness.schemas.js';

/** The override that was set, and the position of its event in the log. */
export interface GuardOverridden extends Pick<WriteResult, 'revision' | 'epoch'> {
  readonly scope: GuardScope;
  /** Until when the guard is forced; null: it was ended. */
  readonly until: string | null;
}

/** Bounded, because a guard that an operator forces and forgets would keep dead instances for ever. */
const MAX_FORCED_MS = 24 * 3_600_000;

/** Validates and carries out operators' commands to guards. */
@Injectable()
export class GuardAdminService {
  constructor(
    private readonly overrides: GuardOverrides,
    private readonly view: CatalogView,
    private readonly context: RequestContext,
    private readonly databases: Databases,
    @Inject(guardRules) private readonly rules: GuardRules,
  ) {}

  /** @throws ValidationFailedError for an unknown service, or an `until` that is not within the next day */
  async carryOut(command: GuardCommand): Promise<GuardOverridden> {
    const { overrides, context } = this;
    const scope = this.toScope(command.scope);
    const request = { scope, reason: command.reason, origin: context.origin() };
    if (command.action === 'end') {
      const { revision, epoch } = await overrides.end(request);
      return { revision, epoch, scope, until: null };
    }
    const { revision, epoch, note } = await overrides.force({ ...request, until: await this.toEnd(command.until) });
    // A repeated request has the result of the first one: the default of `until` was computed then.
    const { until } = note as { readonly until: string };
    return { revision, epoch, scope, until };
  }

  private toScope(requested: GuardCommand['scope']): GuardScope {
    const { view } = this;
    if (requested === 'all') return ALL;
    const { namespace, service } = requested;
    view.assertReadable();
    if (!view.knowsService(namespace, service)) {
      throw ValidationFailedError.at(
        '/scope/service',
        `is not known: no instance was ever registered as ${namespace}/${service}, or the last one so long ago that the service was dropped`,
      );
    }
    return { kind: 'service', namespace, service };
  }

  /** By the clock of the database, by which guards are evaluated; the clock of this node may differ. */
  private async toEnd(requested: string | undefined): Promise<string> {
    const now = Date.parse(await databaseClock(this.databases));
    const until = requested === undefined ? now + this.rules.maxMs : Date.parse(requested);
    if (until <= now) {
      throw ValidationFailedError.at('/until', `must be later than now (${new Date(now).toISOString()})`);
    }
    if (until > now + MAX_FORCED_MS) {
      throw ValidationFailedError.at('/until', 'must not be more than a day ahead; force it again then');
    }
    return new Date(until).toISOString();
  }
}
