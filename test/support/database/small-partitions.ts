import { Client } from 'pg';

const MAKER = 'ensure_service_event_partitions';

/**
 * Makes the partitions of a new database so small that a test can fill many of them: by the function that makes them always,
 * with another number in it.
 * @param ahead how many there are at first
 */
export async function makePartitionsSmall(url: string, size: number, ahead = 2): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ text: string }>(`select pg_get_functiondef('${MAKER}'::regproc) as text`);
    await client.query(rows[0]!.text.replace('1000000', String(size)));
    await client.query('drop table service_event_p0, service_event_p1');
    await makeRoom(client, size, ahead);
  } finally {
    await client.end();
  }
}

/** Makes so many partitions after the head, for writers that make none themselves. */
export async function makeRoom(client: Client, size: number, ahead: number): Promise<void> {
  await client.query(
    `select ${MAKER}((select revision from catalog_head) + n * $1::bigint) from generate_series(0, $2::int) n`,
    [size, ahead],
  );
}
