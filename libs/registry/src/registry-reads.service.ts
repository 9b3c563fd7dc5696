import { Injectable } from '@nestjs/common';
import { type LeasedInstance } from '@coordination/catalog';
import { Databases, readStatement } from '@coordination/database';
import { InstanceNotFoundError } from '@coordination/kernel';
import { refuseStandby } from '@coordination/log';
import { describeTarget, type Target } from './domain/commands.js';
import { ServiceInstanceRepository } from './store/service-instance.repository.js';

/** One instance, and the position of the catalog at that moment. */
export interface InstanceRead {
  readonly leased: LeasedInstance;
  readonly revision: number;
  readonly epoch: string;
}

/** Reads single instances with their leases, which the catalog in memory does not have. */
@Injectable()
export class RegistryReads {
  constructor(
    private readonly databases: Databases,
    private readonly instances: ServiceInstanceRepository,
  ) {}

  /**
   * Reads one instance from the database.
   * @throws InstanceNotFoundError
   * @throws StoreUnavailableError when the database is a standby, which may lack the latest changes
   */
  async getOrFail(target: Target): Promise<InstanceRead> {
    const read = await readStatement(this.databases, em => this.instances.findAtHead(em, target));
    const { leased, inRecovery, ...position } = read;
    refuseStandby(inRecovery);
    if (!leased) throw new InstanceNotFoundError(describeTarget(target));
    return { leased, ...position };
  }
}
