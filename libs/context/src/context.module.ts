import { Global, Module } from '@nestjs/common';
import { Clock, systemClock } from '@coordination/kernel';
import { RequestContext } from './request-context.js';

/** Provides the {@link RequestContext}, which the HTTP adapter fills, and the {@link Clock} of the system. */
@Global()
@Module({
  providers: [RequestContext, { provide: Clock, useValue: systemClock }],
  exports: [RequestContext, Clock],
})
export class ContextModule {}
