import { Module } from '@nestjs/common';
import { DiscoveryModule } from '@coordination/discovery';
import { RegistryModule } from '@coordination/registry';
import { OverrideExpiryJob } from './override-expiry.job.js';
import { OverridesController } from './overrides.controller.js';
import { OverridesService } from './overrides.service.js';

/** Overrides of all instances that match a selector, and the end of overrides whose `until` has passed. */
@Module({
  imports: [RegistryModule, DiscoveryModule],
  controllers: [OverridesController],
  providers: [OverridesService, OverrideExpiryJob],
})
export class OverridesModule {}
