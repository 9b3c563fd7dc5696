import { type OnApplicationShutdown } from '@nestjs/common';
import { type LastCheckedRecorder } from './leases/last-checked.js';
import { type LeaseRenewals } from './leases/lease-renewals.js';
import { type CatalogWriter } from './write/catalog-writer.js';

/** Lets the write side finish: after the last request has been answered, before the connections are closed. */
export class RegistryShutdown implements OnApplicationShutdown {
  constructor(
    private readonly writer: CatalogWriter,
    private readonly renewals: LeaseRenewals,
    private readonly notes: LastCheckedRecorder,
  ) {}

  async onApplicationShutdown(): Promise<void> {
    await this.writer.idle();
    await Promise.all([this.renewals.close(), this.notes.close()]);
  }
}
