import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { type AddressInfo, createServer, type ListenOptions, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterEach, describe, expect, it } from 'vitest';
import { assertCanListen, listenError, otherOnLocalhost } from '../index.js';

const HAS_IPV6 = Object.values(networkInterfaces()).some(list => list?.some(({ address }) => address === '::1'));

/** Of `localhost`: some machines know its IPv4 address alone. */
const LOCALHOST_ON_IPV6 = (await lookup('localhost', { all: true })).some(({ address }) => address === '::1');

const servers: Server[] = [];

/** Somebody else listens there. @returns the port */
async function taken(options: ListenOptions): Promise<number> {
  const server = createServer().listen({ port: 0, ...options });
  servers.push(server);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** A port that nobody listens on. */
async function freePort(): Promise<number> {
  const port = await taken({ host: '127.0.0.1' });
  await close();
  return port;
}

async function close(): Promise<void> {
  for (const server of servers.splice(0)) {
    server.close();
    await once(server, 'close');
  }
}

afterEach(close);

describe('assertCanListen', () => {
  it('takes what is free, and leaves it free', async () => {
    const PORT = await freePort();
    for (const HOST of ['127.0.0.1', '0.0.0.0', 'localhost']) await assertCanListen({ HOST, PORT });
    await assertCanListen({ HOST: '127.0.0.1', PORT });
    await assertCanListen({ HOST: '127.0.0.1', PORT: 0 });
  });

  it.each([
    ['127.0.0.1', '127.0.0.1'],
    ['0.0.0.0', '127.0.0.1'],
    ['127.0.0.1', '0.0.0.0'],
    ['localhost', '127.0.0.1'],
  ])('refuses a taken port, with the setting: HOST=%s where %s is taken', async (HOST, host) => {
    const PORT = await taken({ host });
    await expect(assertCanListen({ HOST, PORT })).rejects.toThrow(
      new RegExp(`^PORT=${PORT} is taken [(]EADDRINUSE[)].*:${PORT}[.] .*set PORT`),
    );
  });

  it
    .runIf(HAS_IPV6)
    .each([
      ['::1', '::1'],
      ['::', '::1'],
      ['::', '::'],
      ...(LOCALHOST_ON_IPV6 ? [['localhost', '::1'] satisfies [string, string]] : []),
    ])('refuses one that is taken on IPv6 alone: HOST=%s where %s is taken', async (HOST, host) => {
    const PORT = await taken({ host, ipv6Only: true });
    await expect(assertCanListen({ HOST, PORT })).rejects.toThrow(
      new RegExp(`^PORT=${PORT} is taken .*\\[::1?\\]:${PORT}[.] .*set PORT`),
    );
  });

  it('refuses an address that the machine does not have, and names those that it has', async () => {
    // TEST-NET-3 (RFC 5737): no machine has it.
    await expect(assertCanListen({ HOST: '203.0.113.7', PORT: 0 })).rejects.toThrow(
      /^HOST=203[.]0[.]113[.]7 is no address of this machine [(]EADDRNOTAVAIL[)].*127[.]0[.]0[.]1.*0[.]0[.]0[.]0/,
    );
  });

  it('refuses a name that leads nowhere', async () => {
    await expect(assertCanListen({ HOST: 'nowhere.invalid', PORT: 0 })).rejects.toThrow(
      /^HOST=nowhere[.]invalid cannot be resolved [(](ENOTFOUND|EAI_AGAIN)[)]/,
    );
  });
});

describe('listenError', () => {
  const place = { HOST: '127.0.0.1', PORT: 80 };

  it.each([
    ['EACCES', /^PORT=80 is refused .*[(]EACCES[)].*Set PORT to 1024 or higher/],
    ['EADDRINUSE', /^PORT=80 is taken .*127[.]0[.]0[.]1:80[.]/],
    ['EAFNOSUPPORT', /^HOST=127[.]0[.]0[.]1 is no address of this machine/],
    ['EINVAL', /^HOST=127[.]0[.]0[.]1 cannot be listened on/],
  ])('tells of %s what to do, in one line', (code, line) => {
    const error = listenError(Object.assign(new Error(`listen ${code}`), { code }), place);
    expect(error.message).toMatch(line);
    expect(error.message).not.toContain('\n');
  });

  it('tells where a name led to', () => {
    const cause = Object.assign(new Error('x'), { code: 'EADDRNOTAVAIL' });
    expect(listenError(cause, { HOST: 'db.example.org', PORT: 80 }, '203.0.113.7').message).toMatch(
      /^HOST=db[.]example[.]org, which leads to 203[.]0[.]113[.]7, is no address of this machine/,
    );
  });

  it('leaves what it does not know as it was', () => {
    expect(listenError(new Error('something else'), place).message).toBe('something else');
    expect(listenError('a text', place).message).toBe('a text');
  });
});

describe('otherOnLocalhost', () => {
  it.runIf(HAS_IPV6)('says where localhost may lead to another process', async () => {
    const PORT = await taken({ host: '::1' });
    expect(await otherOnLocalhost({ HOST: '127.0.0.1', PORT })).toContain(`[::1]:${PORT}`);
    await close();
    expect(await otherOnLocalhost({ HOST: '127.0.0.1', PORT })).toBeUndefined();
    await taken({ host: '127.0.0.1', port: PORT });
    expect(await otherOnLocalhost({ HOST: '::1', PORT })).toContain(`127.0.0.1:${PORT}`);
  });

  it('has nothing to say of other addresses, and of a port that is not known yet', async () => {
    const PORT = await taken({ host: '127.0.0.1' });
    expect(await otherOnLocalhost({ HOST: '0.0.0.0', PORT })).toBeUndefined();
    expect(await otherOnLocalhost({ HOST: '127.0.0.1', PORT: 0 })).toBeUndefined();
  });
});
