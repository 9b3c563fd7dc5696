export { LeadershipModule } from './leadership.module.js';
export { NodeRole } from './node-role.entity.js';
export { NodeRoleRepository, type RoleRecord } from './node-role.repository.js';
export { type RecordedStall } from './recorded-stall.js';
export { RoleElector } from './role-elector.job.js';
export { type RoleTerm, TermEndedError } from './role-term.js';
