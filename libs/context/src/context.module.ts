import { Global, Module } from '@nestjs/common';
import { ClsModule } from 'nestjs-cls';
import { RequestContext } from './request-context.js';

/** Gives everybody the {@link RequestContext}. The HTTP adapter fills it, so no middleware is mounted here. */
@Global()
@Module({
  imports: [ClsModule.forRoot({ global: true })],
  providers: [RequestContext],
  exports: [RequestContext],
})
export class ContextModule {}
