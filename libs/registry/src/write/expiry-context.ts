import { type EntityManager } from '@mikro-orm/postgresql';
import { type NodeRoleRepository, type RoleTerm } from '@coordination/leadership';
import { type InstanceLeaseRepository } from '../leases/instance-lease.repository.js';
import { type BatchInput } from './plan-batch.js';
import { type WriteRequest } from '../requests/write-request.js';

/** What is needed to look at leases and terms under the lock of the head. */
export interface ExpiryTools {
  readonly leases: InstanceLeaseRepository;
  readonly roles: NodeRoleRepository;
}

/**
 * What a batch must know of terms and leases before it decides about their ends. It holds them, so that what is found
 * stays so: whoever takes the role waits, and renewals come before this or after the commit. A batch without such
 * requests asks nothing.
 */
export async function readExpiryContext(
  em: EntityManager,
  requests: readonly WriteRequest[],
  { leases, roles }: ExpiryTools,
): Promise<Pick<BatchInput, 'endedTerms'>> {
  const endedTerms = new Set<RoleTerm>();
  for (const term of new Set(requests.flatMap(request => request.term ?? []))) {
    if (!(await roles.holds(em, term))) endedTerms.add(term);
  }
  const ids = requests.flatMap(({ commands }) =>
    commands.flatMap(command => (command.kind === 'expire' ? command.target.id : [])),
  );
  if (ids.length > 0) await leases.hold(em, ids);
  return { endedTerms };
}
