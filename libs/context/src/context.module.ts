import { Global, Module } from '@nestjs/common';
import { RequestContext } from './request-context.js';

/**
 * Gives everybody the {@link RequestContext}. The HTTP adapter fills it, so nestjs-cls's own module is not imported: it
 * would put a guard and an interceptor before every handler, though neither has anything to do here.
 */
@Global()
@Module({
  providers: [{ provide: RequestContext, useFactory: () => new RequestContext() }],
  exports: [RequestContext],
})
export class ContextModule {}
