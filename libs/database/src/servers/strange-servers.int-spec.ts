import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { StoreUnavailableError } from '@coordination/kernel';
import { afterEach, describe, expect, it } from 'vitest';
import { createTestDatabase } from '../../../../test/support/database/test-database.js';
import { Databases } from '../connections/databases.js';
import { query } from '../reading/query.js';
import { readSnapshot } from '../reading/read.js';
import { readStatement } from '../reading/read-statement.js';
import { StoreProbe } from '../reading/store-probe.js';

let server: Server | undefined;
let databases: Databases | undefined;

afterEach(async () => {
  await databases?.close();
  server?.close();
});

/** Something that is no PostgreSQL, and does this with whoever connects. */
async function strange(greet: (client: Socket) => void): Promise<string> {
  server = createServer(client => greet(client.on('error', () => undefined)));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return `postgres://pcs:secret@127.0.0.1:${(server.address() as AddressInfo).port}/pcs`;
}

/** An error as PostgreSQL and PgBouncer send it. */
function errorResponse(fields: Readonly<Record<string, string>>): Buffer {
  const body = Object.entries(fields)
    .map(([type, text]) => `${type}${text}\0`)
    .concat('\0')
    .join('');
  const header = Buffer.alloc(5);
  header.write('E');
  header.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([header, Buffer.from(body)]);
}

const refusing = (fields: Readonly<Record<string, string>>) => (client: Socket) =>
  client.once('data', () => client.end(errorResponse(fields)));

const open = async (url: string) => (databases = await Databases.open({ url, ssl: 'off', poolMax: 1, entities: [] }));

describe('A server that cannot be used', () => {
  it.each([
    ['speaks HTTP', (client: Socket) => client.once('data', () => client.end('HTTP/1.1 400 Bad Request\r\n\r\n'))],
    ['speaks gibberish', (client: Socket) => client.once('data', () => client.end(Buffer.alloc(100, 0xff)))],
    ['hangs up', (client: Socket) => client.destroy()],
    ['hangs up after a while', (client: Socket) => client.once('data', () => client.end())],
    ['is starting', refusing({ S: 'FATAL', C: '57P03', M: 'the database system is starting up' })],
    ['is full', refusing({ S: 'FATAL', C: '53300', M: 'sorry, too many clients already' })],
    ['is a pooler that does not know the database', refusing({ S: 'FATAL', C: '08P01', M: 'no such database: pcs' })],
    ['speaks another language', refusing({ S: 'ВАЖНО', C: '28P01', M: 'пользователь не прошёл проверку' })],
    ['gives a state that nobody knows', refusing({ S: 'FATAL', C: 'ZZ999', M: 'what?' })],
    ['gives no state', refusing({ S: 'FATAL', M: 'what?' })],
  ])('because it %s is told as such', async (_what, greet) => {
    const url = await strange(greet);
    const { troubles } = await open(url);
    await expect(readSnapshot(databases!, em => query(em, 'select 1'))).rejects.toThrow(StoreUnavailableError);
    await expect(readStatement(databases!, em => query(em, 'select 1'))).rejects.toThrow(StoreUnavailableError);
    expect(JSON.stringify(troubles.present)).not.toMatch(/secret|select|127\.0\.0\.1/);
    expect(troubles.present?.message).toMatch(/^[A-Z].*\.$/);
    const { isUsable, lastError } = await new StoreProbe(databases!).look();
    expect(isUsable).toBe(false);
    expect(lastError?.message).toMatch(/^[A-Z].*\.$/);
  });

  it('because it asks for a password and there is none is told as such', async () => {
    const database = await createTestDatabase();
    const url = new URL(database.url);
    url.password = '';
    await open(url.href);
    await expect(readSnapshot(databases!, em => query(em, 'select 1'))).rejects.toThrow(StoreUnavailableError);
    expect(databases!.troubles.present?.message).toContain('refuses the log-in');
    await databases!.close();
    databases = undefined;
    await database.drop();
  });
});
