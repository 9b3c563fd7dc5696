import { type DynamicModule, type FactoryProvider, Module } from '@nestjs/common';
import { type Settings } from './settings.js';

/** Injection token of the checked {@link Settings}. */
export const SETTINGS_TOKEN = Symbol('Settings');

@Module({})
export class ConfigModule {
  static forRoot(settings: Settings): DynamicModule {
    return {
      module: ConfigModule,
      global: true,
      providers: [{ provide: SETTINGS_TOKEN, useValue: settings }],
      exports: [SETTINGS_TOKEN],
    };
  }
}

/**
 * Provides what a class needs of the settings, in the names and units of that class. The function is its own injection
 * token:
 *
 * ```ts
 * export const queueSettings = ({ PCS_WRITE_QUEUE_MAX }: Settings) => ({ maxLength: PCS_WRITE_QUEUE_MAX });
 * export type QueueSettings = ReturnType<typeof queueSettings>;
 *
 * @Module({ providers: [settingsProvider(queueSettings), WriteQueue] })
 *
 * constructor(@Inject(queueSettings) private readonly settings: QueueSettings) {}
 * ```
 */
export const settingsProvider = <T>(select: (settings: Settings) => T): FactoryProvider<T> => ({
  provide: select,
  inject: [SETTINGS_TOKEN],
  useFactory: select,
});
