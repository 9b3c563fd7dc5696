import { Module } from '@nestjs/common';
import { NodeRoleRepository } from './node-role.repository.js';

/** Roles that one node at a time has. It needs `DatabaseModule`. */
@Module({
  providers: [{ provide: NodeRoleRepository, useFactory: () => new NodeRoleRepository() }],
  exports: [NodeRoleRepository],
})
export class LeadershipModule {}
