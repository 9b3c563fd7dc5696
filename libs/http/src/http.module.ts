import { Global, Module } from '@nestjs/common';
import { RequestPlaces } from './work/request-places.js';

/** Provides {@link RequestPlaces} to all modules. It needs `SchedulingModule`, and an application on `createHttpAdapter`. */
@Global()
@Module({ providers: [RequestPlaces], exports: [RequestPlaces] })
export class HttpModule {}
