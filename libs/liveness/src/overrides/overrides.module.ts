import { Module } from '@nestjs/common';
import { CatalogView, ReadBarrier } from '@coordination/catalog';
import { DiscoveryModule, InstancePicker } from '@coordination/discovery';
import { RegistryModule, RegistryService } from '@coordination/registry';
import { OverridesController } from './overrides.controller.js';
import { OverridesService } from './overrides.service.js';

/** Overrides of whatever a selector means. */
@Module({
  imports: [RegistryModule, DiscoveryModule],
  controllers: [OverridesController],
  providers: [
    {
      provide: OverridesService,
      inject: [CatalogView, InstancePicker, RegistryService, ReadBarrier],
      useFactory: (view: CatalogView, picker: InstancePicker, registry: RegistryService, gate: ReadBarrier) =>
        new OverridesService({ view, picker, registry, gate }),
    },
  ],
})
export class OverridesModule {}
