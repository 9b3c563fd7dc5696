import { type Provider } from '@nestjs/common';
import { type Settings, SETTINGS_TOKEN } from '@coordination/config';
import { RequestContext } from '@coordination/context';
import { Databases } from '@coordination/database';
import { CatalogView } from '@coordination/catalog';
import { GuardNoticeSlot } from '@coordination/discovery';
import { RoleElector } from '@coordination/leadership';
import { GuardOverrides } from '../guard/guard-overrides.service.js';
import { guardRules } from '../guard/guard-rules.js';
import { GuardStates } from '../guard/guard-states.js';
import { LivenessOverviewReader } from '../sweep/liveness-overview.service.js';
import { ProbeOverview } from '../probes/probe-overview.js';
import { GuardAdminService } from './guard-admin.service.js';
import { ActiveGuardNotices } from './guard-notices.js';
import { LivenessReport } from './liveness-report.service.js';

/** Liveness as it is seen and steered from outside. */
export const LIVENESS_API_PROVIDERS: Provider[] = [
  {
    provide: LivenessReport,
    inject: [LivenessOverviewReader, CatalogView, RoleElector, ProbeOverview],
    useFactory: (reader: LivenessOverviewReader, view: CatalogView, elector: RoleElector, probes: ProbeOverview) =>
      new LivenessReport({ reader, view, elector, probes }),
  },
  {
    provide: GuardAdminService,
    inject: [GuardOverrides, CatalogView, RequestContext, Databases, SETTINGS_TOKEN],
    useFactory: (
      orders: GuardOverrides,
      view: CatalogView,
      context: RequestContext,
      databases: Databases,
      settings: Settings,
    ) => new GuardAdminService({ orders, view, context, databases, holdsMs: guardRules(settings).maxMs }),
  },
  {
    provide: ActiveGuardNotices,
    inject: [GuardStates, GuardNoticeSlot],
    useFactory: (states: GuardStates, slot: GuardNoticeSlot) => {
      const notices = new ActiveGuardNotices(states);
      slot.attach(notices);
      return notices;
    },
  },
];
