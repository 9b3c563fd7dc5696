/** A task that a node repeats by itself. */
export interface BackgroundTaskEntry {
  /** What the task does. */
  readonly does: string;
  /** What callers and operators notice while it fails. */
  readonly whileFailing: string;
  /**
   * Whether it only runs when there is something to do, and does not retry by itself. Then a failure that is followed by
   * neither a success nor another failure is forgotten after a while; otherwise it would be reported for ever.
   */
  readonly isOnDemand: boolean;
}

const entry = (does: string, whileFailing: string, isOnDemand = false): BackgroundTaskEntry => ({
  does,
  whileFailing,
  isOnDemand,
});

/**
 * The one table of background tasks. Their names are the names in `/health`, the label `task` of the metrics, and the field
 * `task` of log lines. docs/operations.md repeats the table.
 */
export const BACKGROUND_TASKS = {
  'schema-check': entry(
    'waits for the database and for the schema that this version needs',
    'The node is not ready, and answers 503 to everything that needs the catalog.',
  ),
  'catalog-follower': entry(
    'reads the log, so that the catalog in memory is current',
    'Reads are answered from memory and get older, until PCS_STALENESS_LIMIT_SECONDS; then this node answers 503.',
  ),
  'notification-listener': entry(
    'is notified of the changes of other nodes',
    'Changes of other nodes are found by polling, up to PCS_VIEW_POLL_MS later.',
  ),
  'watch-catch-up': entry(
    'reads the log for watches that are behind',
    'Watches that are behind wait. They lose no change.',
    true,
  ),
  'role-election': entry(
    'claims the role of the node that ends leases',
    'This node cannot end leases. If all nodes fail, no lease ends, and dead instances keep their status.',
  ),
  'lease-sweep': entry(
    'finds expired leases, and ends them; on the node that has the role',
    'Expired leases do not end, and dead instances keep their status.',
  ),
  'lease-flush': entry(
    'writes heartbeats to the database',
    'Heartbeats through this node get 503. Instances that send them to no other node become unhealthy.',
  ),
  'lease-revival': entry(
    'heals instances whose heartbeat was written just after their lease was ended',
    'They are healed by their next heartbeat instead.',
    true,
  ),
  'guard-watch': entry(
    'reads which guards keep leases from ending',
    'This node reports guards as they were when it last read them.',
  ),
  'override-end': entry('ends overrides whose `until` has passed', 'Overrides last longer than they should.'),
  'node-registration': entry(
    'keeps this node registered in its own catalog',
    'When its lease ends, other nodes consider this node dead, and take over its probes.',
  ),
  probes: entry('starts the probes that are due', 'Instances that this node probes keep their health as it is.'),
  'probe-shares': entry(
    'finds the live nodes, and distributes the probed instances among them',
    'Instances whose node has died are not probed, and keep their health as it is.',
  ),
  'probe-reports': entry(
    'writes changes of health that probes found',
    'Probed instances keep their health as it is; each probe tries again.',
  ),
  'probe-guard': entry(
    'holds failures of probes that begin together, and looks at those that other nodes hold',
    'Failures of probes that could be held do not count; successes do.',
  ),
  'probe-notes': entry(
    'notes when instances were last probed',
    '`health.lastCheckedAt` is older than the last probe.',
    true,
  ),
  'memory-watch': entry(
    'estimates how much memory the catalog takes',
    'A catalog that outgrows the memory budget is not reported.',
  ),
  'log-partitions': entry(
    'makes the next partition of the log ahead',
    'Writes succeed as long as the newest partition has room (`pcs_log_room_revisions`); then they get 503.',
  ),
  'empty-services': entry(
    'drops services without instances when there are too many of them',
    'Memory, the table `service_revision` and the time of a start grow with each new name of a service.',
  ),
  'idempotency-key-expiry': entry(
    'deletes idempotency keys that have expired',
    'The table `idempotency_key` grows, unless other nodes delete them.',
  ),
  'head-anchor': entry(
    'writes an anchor, the head of the log, to the log of the service once an hour',
    'There is no new anchor to verify the audit log with.',
  ),
} as const satisfies Readonly<Record<string, BackgroundTaskEntry>>;

export type BackgroundTaskName = keyof typeof BACKGROUND_TASKS;
