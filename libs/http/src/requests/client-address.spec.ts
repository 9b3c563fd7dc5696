import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { ContextModule, RequestContext } from '@coordination/context';
import { afterEach, describe, expect, it } from 'vitest';
import { createHttpAdapter } from '../index.js';

@Controller('address')
class AddressController {
  constructor(private readonly context: RequestContext) {}

  @Get()
  address() {
    return { address: this.context.origin().clientAddress };
  }
}

@Module({ imports: [ContextModule], controllers: [AddressController] })
class AddressModule {}

describe('The address of the client', () => {
  let app: NestFastifyApplication | undefined;
  afterEach(() => app?.close());

  /** What the audit log would keep of a request that comes from an address, with these lines of `X-Forwarded-For`. */
  async function addressOf(
    remoteAddress: string,
    forwarded: string | string[] | undefined,
    proxies: readonly string[],
  ) {
    const settings = {
      HOST: '127.0.0.1',
      PCS_ALLOWED_HOSTS: [],
      PCS_TRUSTED_PROXIES: [...proxies],
      PCS_KEEP_ALIVE_SECONDS: 75,
    };
    app = await NestFactory.create<NestFastifyApplication>(AddressModule, createHttpAdapter(settings), {
      logger: false,
    });
    await app.init();
    const headers = forwarded === undefined ? {} : { 'X-Forwarded-For': forwarded };
    const response = await app.inject({ method: 'GET', url: '/address', remoteAddress, headers });
    return response.json<{ address: string | null }>().address;
  }

  it.each([
    ['10.0.0.1', '10.0.0.1'],
    ['::ffff:10.0.0.1', '10.0.0.1'],
    ['::ffff:a00:1', '10.0.0.1'],
    ['2001:db8::1', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
  ])('%s is %s, whatever headers say, unless proxies are trusted', async (remote, address) => {
    expect(await addressOf(remote, undefined, [])).toBe(address);
    expect(await addressOf(remote, '198.51.100.7', [])).toBe(address);
    expect(await addressOf(remote, '198.51.100.7', ['192.0.2.0/24'])).toBe(address);
  });

  it.each([
    ['198.51.100.7', '198.51.100.7'],
    ['198.51.100.7:4711', '198.51.100.7'],
    ['2001:DB8:0::7', '2001:db8::7'],
    ['[2001:db8::7]', '2001:db8::7'],
    ['[2001:db8::7]:4711', '2001:db8::7'],
    ['::ffff:198.51.100.7', '198.51.100.7'],
    ['[::ffff:198.51.100.7]:4711', '198.51.100.7'],
    ['[::FFFF:c633:6407]', '198.51.100.7'],
    ['fe80::7%eth0', 'fe80::7'],
    [`fe80::7%${'made-up'.repeat(100)}`, 'fe80::7'],
    ['[fe80::7%eth0]:4711', 'fe80::7'],
    ['  198.51.100.7\t', '198.51.100.7'],
    [', ,198.51.100.7, ,', '198.51.100.7'],
    ['203.0.113.9, 198.51.100.7', '198.51.100.7'],
    ['made up, 198.51.100.7:1', '198.51.100.7'],
  ])('is the one that a trusted proxy names, in one spelling: %j is %s', async (forwarded, address) => {
    for (const proxy of ['10.0.0.1', '::ffff:10.0.0.1']) {
      expect(await addressOf(proxy, forwarded, ['10.0.0.0/8'])).toBe(address);
    }
  });

  it.each([
    '',
    ' ',
    'unknown',
    '_hidden',
    '"198.51.100.7"',
    'for=198.51.100.7',
    'proxy.example.org',
    '198.51.100.7:port',
    '198.51.100.7:4711111',
    '198.51.100',
    '0306.51.100.7',
    '0xc6336407',
    '2001:db8::7]:80',
    '198.51.100.7<script>',
    'x'.repeat(10_000),
  ])('is that of the proxy which names a client that is no address: %j', async forwarded => {
    expect(await addressOf('10.0.0.1', forwarded, ['10.0.0.0/8'])).toBe('10.0.0.1');
    expect(await addressOf('10.0.0.1', `${forwarded}, 10.0.0.2`, ['10.0.0.0/8'])).toBe('10.0.0.2');
  });

  it.each([
    ['198.51.100.7, 10.0.0.3, 10.0.0.2', '198.51.100.7'],
    ['198.51.100.7:1, 10.0.0.3:2, [::ffff:10.0.0.2]:3', '198.51.100.7'],
    ['198.51.100.7, fd00::3, [fd00::2]:443', '198.51.100.7'],
    ['198.51.100.7, 203.0.113.9, 10.0.0.2', '203.0.113.9'],
    ['10.0.0.4, 10.0.0.3', '10.0.0.4'],
  ])('is the last that no trusted proxy is: %s is %s', async (forwarded, address) => {
    expect(await addressOf('10.0.0.1', forwarded, ['10.0.0.0/8', 'fd00::/8'])).toBe(address);
    expect(await addressOf('fd00::1', forwarded, ['::ffff:10.0.0.0/104', 'fd00::/8'])).toBe(address);
  });

  it('is read from several lines of the header as from one', async () => {
    expect(await addressOf('10.0.0.1', ['198.51.100.7', '10.0.0.2'], ['10.0.0.0/8'])).toBe('198.51.100.7');
  });
});
