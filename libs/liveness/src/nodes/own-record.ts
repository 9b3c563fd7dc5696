import { Inject, Injectable, Logger } from '@nestjs/common';
import { failureText, IncarnationEndedError, InstanceNotFoundError } from '@coordination/kernel';
import { RegistryService } from '@coordination/registry';
import { HeartbeatsService } from '../heartbeats/heartbeats.service.js';
import { nodeCommand, type NodeDescription, nodeIdentity } from './node-service.js';

/** The record of this node in the catalog. */
@Injectable()
export class OwnRecord {
  private readonly logger = new Logger('Nodes');

  constructor(
    @Inject(RegistryService) private readonly registry: Pick<RegistryService, 'register' | 'deregister'>,
    @Inject(HeartbeatsService) private readonly heartbeats: Pick<HeartbeatsService, 'renew'>,
  ) {}

  /** Registers with a new command each time, because a command has the id of the new instance, and ids are never used again. */
  async register(node: NodeDescription, name: string, incarnation: string): Promise<void> {
    await this.registry.register(nodeCommand(node, name, incarnation));
  }

  /** @returns false when the record was removed, and the node must register again */
  async renew(name: string, incarnation: string): Promise<boolean> {
    try {
      await this.heartbeats.renew({ identity: nodeIdentity(name) }, incarnation);
      return true;
    } catch (error) {
      if (error instanceof InstanceNotFoundError) return false;
      throw error;
    }
  }

  /** Deregisters. A failure is logged and not thrown. */
  async remove(name: string, incarnation: string): Promise<void> {
    try {
      await this.registry.deregister({ identity: nodeIdentity(name) }, { incarnation });
    } catch (error) {
      if (error instanceof IncarnationEndedError) return;
      this.logger.warn(`This node could not be deregistered in its catalog: ${failureText(error).message}`);
    }
  }
}
