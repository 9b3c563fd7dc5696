import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, it } from 'vitest';
import { readSettings } from '@coordination/config';
import { createService } from '../../../apps/coordination/src/bootstrap.js';
import { createTestDatabase } from '../../support/database/test-database.js';

it('a port that was free when it was looked at, and is taken when the service listens, is told as one that was taken', async () => {
  const database = await createTestDatabase();
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  const settings = readSettings({ PORT: String(port), LOG_LEVEL: 'silent', DATABASE_URL: database.url });
  const service = await createService(settings, { url: database.url, embedded: false });
  try {
    await expect(service.listen()).rejects.toThrow(
      new RegExp(`^PORT=${port} is taken [(]EADDRINUSE[)]: another process listens on 127[.]0[.]0[.]1:${port}[.]`),
    );
  } finally {
    await service.close();
    other.close();
    await database.drop();
  }
});
