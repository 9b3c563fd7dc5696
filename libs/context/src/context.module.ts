import { Global, Module } from '@nestjs/common';
import { RequestContext } from './request-context.js';

/** Provides the {@link RequestContext}, which the HTTP adapter fills. */
@Global()
@Module({ providers: [RequestContext], exports: [RequestContext] })
export class ContextModule {}
