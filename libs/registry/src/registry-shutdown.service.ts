import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { LastCheckedRecorder } from './leases/last-checked.js';
import { LeaseRenewals } from './leases/lease-renewals.js';
import { CatalogWriter } from './write/catalog-writer.js';

/** Completes pending writes: after the last request has been answered, and before the connections are closed. */
@Injectable()
export class RegistryShutdown implements OnApplicationShutdown {
  constructor(
    private readonly writer: CatalogWriter,
    private readonly renewals: LeaseRenewals,
    private readonly lastChecked: LastCheckedRecorder,
  ) {}

  async onApplicationShutdown(): Promise<void> {
    await this.writer.idle();
    await Promise.all([this.renewals.close(), this.lastChecked.close()]);
  }
}
