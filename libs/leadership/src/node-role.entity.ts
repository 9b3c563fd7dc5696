import { defineEntity, p } from '@mikro-orm/core';
import { type RecordedStall } from './recorded-stall.js';

/**
 * Which node holds a role that one node at a time may hold. Its end is in database time, so that clocks of nodes do not
 * matter. It is a row and not a lock of a session, which a connection pooler could keep for ever.
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
    /** When any node last claimed the role: then the database could be reached. */
    witnessedAt: p.datetime(3),
    /** When a node first claimed again after an outage, in which none could. */
    backSince: p.datetime(3),
    /** When the holder last did its work. */
    workedAt: p.datetime(3).nullable(),
    /** The last stalls of holders while no other node took the role, the oldest first. */
    stalls: p.json<readonly RecordedStall[]>().default([]),
  },
  checks: [{ name: 'node_role_term_positive', expression: 'term > 0' }],
});

export class NodeRole extends NodeRoleSchema.class {}
NodeRoleSchema.setClass(NodeRole);
