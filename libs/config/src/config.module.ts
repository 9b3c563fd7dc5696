import { type DynamicModule, Module } from '@nestjs/common';
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
