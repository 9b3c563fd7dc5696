import { Module } from '@nestjs/common';
import { type Settings, SETTINGS_TOKEN } from '@coordination/config';
import { RequestContext } from '@coordination/context';
import { CatalogView, DiscoveryModule, GuardNoticeSlot } from '@coordination/discovery';
import { systemClock } from '@coordination/kernel';
import { GuardOrders } from '../guard/guard-orders.service.js';
import { guardRules } from '../guard/guard-rules.js';
import { GuardStates } from '../guard/guard-states.js';
import { LeaseEndModule } from '../lease-end.module.js';
import { LivenessOverviewReader } from '../liveness-overview.service.js';
import { RoleElector } from '../roles/role-elector.job.js';
import { GuardDesk } from './guard-desk.service.js';
import { ActiveGuardNotices } from './guard-notices.js';
import { LivenessController } from './liveness.controller.js';
import { LivenessReport } from './liveness-report.service.js';

/** Liveness as it is seen and steered from outside. */
@Module({
  imports: [DiscoveryModule, LeaseEndModule],
  controllers: [LivenessController],
  providers: [
    {
      provide: LivenessReport,
      inject: [LivenessOverviewReader, CatalogView, RoleElector],
      useFactory: (reader: LivenessOverviewReader, view: CatalogView, elector: RoleElector) =>
        new LivenessReport({ reader, view, elector }),
    },
    {
      provide: GuardDesk,
      inject: [GuardOrders, CatalogView, RequestContext, SETTINGS_TOKEN],
      useFactory: (orders: GuardOrders, view: CatalogView, context: RequestContext, settings: Settings) =>
        new GuardDesk({ orders, view, context, clock: systemClock, holdsMs: guardRules(settings).maxMs }),
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
  ],
})
export class LivenessApiModule {}
