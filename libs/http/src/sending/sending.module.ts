import { Global, Module } from '@nestjs/common';
import { settingsProvider } from '@coordination/config';
import { BytesUnderWay, bytesUnderWayLimit } from './bytes-under-way.js';
import { LargeResponses } from './large-responses.js';
import { ResponseStalls, stallLimit } from './response-stalls.js';

/** Bounds what responses may hold in memory. It needs the modules of settings and observability. */
@Global()
@Module({
  providers: [
    settingsProvider(bytesUnderWayLimit),
    settingsProvider(stallLimit),
    BytesUnderWay,
    LargeResponses,
    ResponseStalls,
  ],
  exports: [BytesUnderWay],
})
export class SendingModule {}
