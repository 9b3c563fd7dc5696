import { type DynamicModule, Module } from '@nestjs/common';
import { NodeRoleRepository } from './node-role.repository.js';
import { ELECTED_ROLE, RoleElector } from './role-elector.job.js';

/** Roles that one node at a time holds. It needs `DatabaseModule`. */
@Module({ providers: [NodeRoleRepository], exports: [NodeRoleRepository] })
export class LeadershipModule {
  /** Lets this node claim a role: the importing module gets the {@link RoleElector} of that role. */
  static forRole(role: string): DynamicModule {
    return {
      module: LeadershipModule,
      providers: [{ provide: ELECTED_ROLE, useValue: role }, RoleElector],
      exports: [RoleElector],
    };
  }
}
