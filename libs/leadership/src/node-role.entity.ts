import { defineEntity, p } from '@mikro-orm/core';

/**
 * Who of the nodes has a role that one at a time may have. Its end is in database time, so that clocks of nodes do not
 * matter, and it is a row and no lock of a session, which a pooler could keep for ever.
 */
export const NodeRoleSchema = defineEntity({
  name: 'NodeRole',
  tableName: 'node_role',
  properties: {
    role: p.text().primary(),
    holder: p.text(),
    /** Rises whenever the role is taken, by another node or after a break. */
    term: p.bigint('number'),
    expiresAt: p.datetime(3),
    /** When a node last asked for the role, whichever it was: then the database could be reached. */
    witnessedAt: p.datetime(3),
    /** When a node asked again after none could for a while. */
    backSince: p.datetime(3),
    /** When the holder last did its work. */
    workedAt: p.datetime(3).nullable(),
  },
  checks: [{ name: 'node_role_term_positive', expression: 'term > 0' }],
});

export class NodeRole extends NodeRoleSchema.class {}
NodeRoleSchema.setClass(NodeRole);
