import { Inject, Injectable } from '@nestjs/common';
import { type EntityManager } from '@mikro-orm/postgresql';
import { NodeRoleRepository, type RoleTerm } from '@coordination/leadership';
import { InstanceLeaseRepository } from '../../leases/instance-lease.repository.js';
import { type WriteRequest } from '../../requests/write-request.js';

/** Reads the terms and leases that requests about the end of leases depend on. */
@Injectable()
export class ExpiryContext {
  constructor(
    @Inject(InstanceLeaseRepository) private readonly leases: Pick<InstanceLeaseRepository, 'hold'>,
    @Inject(NodeRoleRepository) private readonly roles: Pick<NodeRoleRepository, 'holds'>,
  ) {}

  /**
   * Locks the terms and leases that a batch depends on until its transaction ends: another node that claims the role waits,
   * and a renewal is either seen by this batch or comes after its commit. A batch without such requests reads nothing.
   * @returns the terms that have ended
   */
  async lockAndRead(em: EntityManager, requests: readonly WriteRequest[]): Promise<ReadonlySet<RoleTerm>> {
    const endedTerms = new Set<RoleTerm>();
    for (const term of new Set(requests.flatMap(request => request.term ?? []))) {
      if (!(await this.roles.holds(em, term))) endedTerms.add(term);
    }
    const ids = requests.flatMap(({ commands }) =>
      commands.flatMap(command => (command.kind === 'expire' ? command.target.id : [])),
    );
    if (ids.length > 0) await this.leases.hold(em, ids);
    return endedTerms;
  }
}
