import { type OnApplicationShutdown } from '@nestjs/common';
import { type LeaseRenewals } from './lease-renewals.js';
import { type CatalogWriter } from './write/catalog-writer.js';

/** Lets the write side finish: after the last request has been answered, before the connections are closed. */
export class WriteSideEnd implements OnApplicationShutdown {
  constructor(
    private readonly writer: CatalogWriter,
    private readonly renewals: LeaseRenewals,
  ) {}

  async onApplicationShutdown(): Promise<void> {
    await this.writer.idle();
    await this.renewals.close();
  }
}
