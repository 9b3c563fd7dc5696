import { type Client } from 'pg';

/** So many instances that a test would take minutes to register them. */
export interface ManyLeases {
  readonly namespace: string;
  readonly instances: number;
  /** How many services they are of, all alike. */
  readonly services: number;
  /** When all of them were renewed last: SQL of a time. */
  readonly renewedAt: string;
}

/** Writes healthy instances with leases of 30 s straight into the tables, past the log, for tests of what is done with leases. */
export async function writeManyLeases(
  client: Client,
  { namespace, instances, services, renewedAt }: ManyLeases,
): Promise<void> {
  await client.query(`
    with instance as (
      insert into service_instance (id, namespace, service, instance_id, type, scheme, host, port, weight, metadata,
        check_terms, health, registered_at, updated_at, revision)
      select gen_random_uuid(), '${namespace}', 'service-' || n % ${services}, 'i-' || n, 'api', 'http', '10.0.0.1', 80, 100,
        jsonb_build_object('version', '1.2.3', 'text', repeat('x', 200)),
        '{"kind": "heartbeat", "ttlSeconds": 30, "deregisterAfterSeconds": 900}',
        '{"state": "healthy", "failures": 0, "output": "", "decidedBy": "registration", "since": "2026-01-01T00:00:00.000Z"}',
        now(), now(), 1
      from generate_series(1, ${instances}) as n
      returning id
    )
    insert into instance_lease (instance_id, renewed_at, ttl_seconds)
    select id, ${renewedAt}, 30 from instance`);
  await client.query('vacuum analyze instance_lease, service_instance');
}
