import { hasDotSegment } from '@coordination/kernel';
import { z } from 'zod';
import {
  choice,
  host,
  hostPatterns,
  integer,
  isDestination,
  isOrigin,
  isProxy,
  list,
  listenHost,
  memoryBudget,
  onOff,
  path,
  postgresUrl,
  publicUrl,
  share,
} from './setting-types.js';

const MAX_PORT = 65_535;

/** PostgreSQL truncates longer names. */
const MAX_ROLE_NAME = 63;

/** One setting: how its text is checked, its default, and its meaning (for docs/configuration.md). */
export interface SettingEntry {
  readonly schema: z.ZodType<unknown, string>;
  /** The text that applies when the variable is absent or empty; `null`: the setting is then not set. */
  readonly fallback: string | null;
  readonly about: string;
}

const setting = <T extends z.ZodType<unknown, string>, F extends string | null>(
  schema: T,
  fallback: F,
  about: string,
) => ({
  schema,
  fallback,
  about,
});

/** Every environment variable that the service reads. docs/configuration.md is generated from this table. */
export const SETTINGS = {
  PORT: setting(integer(0, MAX_PORT), '8081', 'TCP port of the HTTP API; 0 selects a free one.'),
  HOST: setting(
    listenHost,
    '127.0.0.1',
    'Address to listen on. Loopback by default, because there is no access control yet; containers set 0.0.0.0.',
  ),
  NODE_ENV: setting(z.string().toLowerCase(), 'development', '`production` refuses the embedded PostgreSQL.'),
  DATABASE_URL: setting(
    postgresUrl,
    null,
    'PostgreSQL 15 or newer, as `postgres://user@host:5432/coordination`; several hosts, sockets and parameters as in libpq, see operations.md. Absent: an embedded PostgreSQL is started (not with NODE_ENV=production).',
  ),
  DATABASE_PASSWORD_FILE: setting(
    path,
    null,
    'File with the password for DATABASE_URL, read for each new connection, and for the other URLs of the same user that have no password. Not together with a password in the URL.',
  ),
  DATABASE_LISTEN_URL: setting(
    postgresUrl,
    null,
    'A direct connection for LISTEN if DATABASE_URL leads to a transaction pooler. Default: DATABASE_URL, unless that is a pooler; then changes of other nodes are found by polling.',
  ),
  DATABASE_MIGRATION_URL: setting(
    postgresUrl,
    null,
    'The owner role, used only for migrations, if the role of DATABASE_URL has fewer privileges. Default: DATABASE_URL.',
  ),
  DATABASE_MIGRATION_PASSWORD_FILE: setting(
    path,
    null,
    'File with the password for DATABASE_MIGRATION_URL, like DATABASE_PASSWORD_FILE for DATABASE_URL.',
  ),
  DATABASE_APP_ROLE: setting(
    z.string().max(MAX_ROLE_NAME, `must be at most ${MAX_ROLE_NAME} characters`),
    null,
    'The role of the service, to which migrations grant the privileges that the service needs. Default: the user of DATABASE_URL if DATABASE_MIGRATION_URL has another one, else `coordination_app`, if that role exists.',
  ),
  DATABASE_MAINTENANCE_URL: setting(
    postgresUrl,
    null,
    'The maintenance role, with which `npm run audit-compact` removes events older than PCS_AUDIT_RETENTION_DAYS from the log. A direct connection, never that of the service itself.',
  ),
  DATABASE_MAINTENANCE_PASSWORD_FILE: setting(
    path,
    null,
    'File with the password for DATABASE_MAINTENANCE_URL, like DATABASE_PASSWORD_FILE for DATABASE_URL.',
  ),
  DATABASE_POOL_MAX: setting(
    integer(1, 1_000),
    '8',
    'Connections for reads (the past, the audit log, single instances). Heavy reads and long work use three of them at most, and watches that read the log PCS_WATCH_CATCH_UPS. With fewer than one more than that, reads of single instances may wait for these. The writer (2), heartbeats (2), the end of leases (2), the view (1), health and periodic jobs (2) and the listener (1) have their own.',
  ),
  DATABASE_SSL: setting(
    choice('off', 'require', 'verify'),
    'off',
    'TLS to PostgreSQL: `require` encrypts, `verify` also checks the certificate. sslmode in a URL takes precedence.',
  ),
  LOG_LEVEL: setting(
    choice('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'),
    'info',
    'The lowest severity that is logged.',
  ),
  LOG_FORMAT: setting(
    choice('json', 'pretty'),
    'json',
    '`json`: one object a line. `pretty`: for people; `make dev` sets it.',
  ),
  PCS_EMBEDDED_POSTGRES_DIR: setting(
    path,
    '.data/postgres',
    'The data directory of the embedded PostgreSQL, relative to the working directory. It must not exist, be empty, or have been used for this before; every other directory is refused.',
  ),
  PCS_MIGRATE_ON_START: setting(
    onOff,
    null,
    'Apply migrations at start. Default: on with the embedded PostgreSQL, off with DATABASE_URL.',
  ),
  PCS_STALENESS_LIMIT_SECONDS: setting(
    integer(1, 86_400),
    '600',
    'The age of the view of the catalog at which the node stops responding from it and becomes unready.',
  ),
  PCS_WRITE_BATCH_MAX: setting(integer(1, 10_000), '512', 'The most changes in one transaction.'),
  PCS_WRITE_QUEUE_MAX: setting(
    integer(1, 1_000_000),
    '10000',
    'The most changes that wait for the database; beyond that, callers get 429 QUEUE_FULL.',
  ),
  PCS_HEAD_HOLD_LIMIT_MS: setting(
    integer(100, 60_000),
    '2000',
    'How long (ms) a node that hangs may hold the head of the log before PostgreSQL ends its transaction.',
  ),
  PCS_LEASE_FLUSH_BOUND_MS: setting(
    integer(100, 60_000),
    '1000',
    'The time (ms) within which an acknowledged renewal is written to the database.',
  ),
  PCS_IDEMPOTENCY_KEEP_HOURS: setting(
    integer(1, 720),
    '24',
    'For how many hours the response to a request with an Idempotency-Key is kept; must be the same on all nodes.',
  ),
  PCS_AUDIT_RETENTION_DAYS: setting(
    integer(2, 36_500),
    null,
    'For how many days events are retained at least; read only by `npm run audit-compact`. Must be longer than PCS_IDEMPOTENCY_KEEP_HOURS, whose responses are read from the log. Default: for ever.',
  ),
  PCS_GUARD_SERVICE_SHARE: setting(
    share,
    '0.30',
    'Share of the leases of one service that may end within the window. If more would end, a failure on the side of this service is suspected, and the guard prevents them from ending.',
  ),
  PCS_GUARD_MIN_INSTANCES: setting(
    integer(1, 1_000_000),
    '10',
    'The number of leases from which on a service is guarded: of two instances, one is a half already.',
  ),
  PCS_GUARD_TOTAL_SHARE: setting(
    share,
    '0.15',
    'Share of all leases, except those of guarded services, that may end within the window. If more would end, the guard prevents all leases from ending.',
  ),
  PCS_GUARD_TOTAL_MIN_INSTANCES: setting(
    integer(1, 1_000_000),
    '50',
    'The number of all leases from which on the guard applies to all of them together.',
  ),
  PCS_GUARD_WINDOW_SECONDS: setting(
    integer(1, 3_600),
    '60',
    'The window (s) within which the guard counts leases that end.',
  ),
  PCS_GUARD_MAX_SECONDS: setting(
    integer(1, 86_400),
    '600',
    'The longest time (s) that the guard holds before leases end again at the bounded rate; also the longest extension of a lease after the database was unavailable.',
  ),
  PCS_GUARD_RELEASE_PER_SECOND: setting(
    integer(1, 100_000),
    '10',
    'The number of held leases that end per second after a guard has held for its longest time.',
  ),
  PCS_VIEW_POLL_MS: setting(
    integer(50, 60_000),
    '1000',
    'How often (ms) the log is polled for changes if no notification has come.',
  ),
  PCS_EPOCH_CONFIRM_MS: setting(
    integer(0, 600_000),
    '10000',
    'For how long (ms) a node that starts on a server or timeline that the catalog was not written on waits for another node to confirm that nothing was lost, before it begins a new epoch.',
  ),
  PCS_FEED_MAX_CHANGES: setting(
    integer(100, 1_000_000),
    '10000',
    'How many of the newest changes a node keeps in memory for watches and waiting reads; older ones are read from the log.',
  ),
  PCS_SELF_REGISTRATION: setting(
    onOff,
    'on',
    'Whether this node registers itself in namespace `system`, service `platform-coordination`. Only nodes that do take part in probing.',
  ),
  PCS_NODE_ID: setting(
    z
      .string()
      .regex(/^[A-Za-z0-9._:@-]{1,200}$/, 'must be 1 to 200 of letters, digits, . _ : @ -')
      .refine(name => !hasDotSegment(name), 'must not be . or .., which clients and proxies remove from paths')
      .describe('1 to 200 of letters, digits, . _ : @ -'),
    null,
    'Stable and unique name of this node among the nodes; two live nodes with the same one report it. Default: host name and port.',
  ),
  PCS_ADVERTISED_HOST: setting(
    host,
    null,
    'Name or address at which other machines reach this node. Default: HOST, or the first address of the machine if that is 0.0.0.0 or ::.',
  ),
  PCS_PUBLIC_URL: setting(
    publicUrl,
    null,
    'URL at which clients reach the service through a proxy, with the path prefix that the proxy removes, such as https://platform.example.com/pcs. With a prefix, links in problems and in the OpenAPI document begin with it, and `Location` is relative to the request. Default: links have the prefix in the X-Forwarded-Prefix of a trusted proxy, or none.',
  ),
  PCS_ALLOWED_HOSTS: setting(
    hostPatterns,
    '',
    'Hosts that a request may name as its `Host`, separated by commas, besides loopback names, HOST, PCS_ADVERTISED_HOST and the host of PCS_PUBLIC_URL; `*.example.com` is every name below example.com. Ports are ignored. Another host gets 421. Empty: if HOST is loopback, only those others are allowed; on other addresses hosts are not checked, because probes and scrapers send the addresses of pods.',
  ),
  PCS_NODE_TTL_SECONDS: setting(
    integer(2, 60),
    '10',
    'How long after its last renewal a node counts as alive; it renews itself three times as often.',
  ),
  PCS_EMPTY_SERVICES_MAX: setting(
    integer(0, 10_000_000),
    '100000',
    'For how many services without instances the last revision is kept. Beyond that, those that changed longest ago are dropped, and a later revision is used instead. Should be the same on all nodes: the smallest applies.',
  ),
  PCS_WATCH_MAX: setting(
    integer(0, 1_000_000),
    '10000',
    'The most watches that are open on one node; beyond that, callers get 429 RATE_LIMITED.',
  ),
  PCS_WATCH_CATCH_UPS: setting(
    integer(1, 100),
    '2',
    'The most watches that read the log concurrently, because they need older changes than those in memory; the others wait. Each temporarily uses a connection for reads.',
  ),
  PCS_WATCH_BACKLOG_BYTES: setting(
    integer(1_024, 64 * 1024 * 1024),
    '65536',
    'The most bytes that are buffered for a client that reads a watch slowly; nothing more is prepared until it has read them.',
  ),
  PCS_WATCH_STALL_SECONDS: setting(
    integer(1, 3_600),
    '30',
    'How long a client may read nothing of what is buffered for it before its watch ends with a reset.',
  ),
  PCS_WATCH_BOOKMARK_SECONDS: setting(
    integer(1, 15),
    '15',
    'The longest time between two bookmarks of a watch; proxies must not close connections that are idle for so long.',
  ),
  PCS_WAITING_READS_MAX: setting(
    integer(1, 1_000_000),
    '20000',
    'The most waiting reads (with `since`) of a node; beyond that, callers get 429 RATE_LIMITED.',
  ),
  PCS_STRONG_READ_FENCE: setting(
    onOff,
    'off',
    'Whether strong reads wait for a commit, and therefore for the synchronous standby: then a primary that was replaced without noticing cannot confirm any.',
  ),
  PCS_PROBE_ALLOW: setting(
    z
      .string()
      .transform(value => (value.toLowerCase() === 'none' ? '' : value))
      .pipe(list(isDestination, 'must be none, or addresses or CIDRs, such as 10.0.0.0/8, separated by commas'))
      .describe('none, or addresses or CIDRs, such as 10.0.0.0/8, separated by commas'),
    '127.0.0.0/8,::1/128',
    'Addresses or CIDRs that may be probed, separated by commas, or `none`. Link-local, metadata, unspecified, multicast and reserved addresses never are. Loopback alone by default, because there is no access control yet.',
  ),
  PCS_PROBE_CONCURRENCY: setting(
    integer(1, 10_000),
    '500',
    'The most concurrent probes of a node, each with one connection.',
  ),
  PCS_MEMORY_BUDGET_MB: setting(
    memoryBudget,
    null,
    'The memory (MiB) for all processes of the service, without an embedded PostgreSQL. It sets the limit of the heap of V8 and bounds kept answers and bytes under way; a catalog that outgrows it makes the node `degraded`. Default: 80 % of the memory limit of the control group (container), without one a quarter of the RAM, 512 at least.',
  ),
  PCS_SHUTDOWN_GRACE_SECONDS: setting(
    integer(1, 600),
    '20',
    'How long requests in flight may take to finish at shutdown, before the process ends anyway.',
  ),
  PCS_SHUTDOWN_DRAIN_SECONDS: setting(
    integer(0, 300),
    '0',
    'How long the service still accepts requests after readiness has turned 503, so that load balancers notice.',
  ),
  PCS_KEEP_ALIVE_SECONDS: setting(
    integer(1, 86_400),
    '75',
    'How long an idle connection is kept; must be longer than proxies and load balancers keep theirs to this service (mostly 60 s), so that this service never closes a connection just when it is used.',
  ),
  PCS_CONNECTIONS_MAX: setting(
    integer(10, 1_000_000),
    null,
    'The most connections of clients that are open at once, one address at most half of them (proxies in PCS_TRUSTED_PROXIES excepted). At the maximum the connection that has been idle longest is closed for a new one; if none is idle, the new one gets 503 OVERLOADED. Default, and upper limit: the descriptors that the process may have (`ulimit -n`) less 200.',
  ),
  PCS_RESPONSE_STALL_SECONDS: setting(
    integer(1, 3_600),
    '30',
    'How long a client may take nothing of a response that is being sent to it; after at most one and a half times that its connection is closed, whatever it sends. Requests that wait, and watches, are not affected.',
  ),
  PCS_COMPRESSION: setting(
    onOff,
    'on',
    'Whether responses are compressed (gzip) for clients that accept it. Event streams never are. `off` if a proxy compresses.',
  ),
  PCS_CORS_ORIGINS: setting(
    list(isOrigin, 'must be origins, such as https://ui.example.com, separated by commas'),
    '',
    'Origins that browsers may call from, separated by commas. None by default.',
  ),
  PCS_TRUSTED_PROXIES: setting(
    list(isProxy, 'must be addresses or CIDRs, such as 10.0.0.0/8, separated by commas'),
    '',
    'Addresses or CIDRs of proxies whose X-Forwarded-For and X-Forwarded-Prefix are trusted, separated by commas. None by default.',
  ),
} as const satisfies Record<string, SettingEntry>;

type Table = typeof SETTINGS;
type Value<K extends keyof Table> = z.output<Table[K]['schema']>;

/** The checked settings of one process, read once at start. */
export type Settings = {
  readonly [K in keyof Table]: Table[K]['fallback'] extends string ? Value<K> : Value<K> | undefined;
};

/** The names of all settings. */
export const SETTING_NAMES: readonly string[] = Object.keys(SETTINGS);
