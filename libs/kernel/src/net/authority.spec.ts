import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hostOfAuthority, isLoopbackHost, listensOnLoopback } from './authority.js';

describe('The host of an authority', () => {
  it.each([
    ['localhost', 'localhost'],
    ['LocalHost:8081', 'localhost'],
    ['localhost.', 'localhost'],
    ['LOCALHOST.:80', 'localhost'],
    ['pcs.localhost', 'pcs.localhost'],
    ['localhos%74', 'localhost'],
    ['my_service:8081', 'my_service'],
    ['platform.example.com:', 'platform.example.com'],
    ['127.0.0.1:8081', '127.0.0.1'],
    ['127.1', '127.0.0.1'],
    ['127.0.0.1.', '127.0.0.1'],
    ['0x7f000001', '127.0.0.1'],
    ['2130706433', '127.0.0.1'],
    ['[::1]', '::1'],
    ['[::1]:8081', '::1'],
    ['[0:0:0:0:0:0:0:1]', '::1'],
    ['[::ffff:127.0.0.1]', '127.0.0.1'],
    ['[::FFFF:7f00:1]:80', '127.0.0.1'],
    ['[::1%25lo]:8081', '::1'],
    ['[fe80::1%eth0]', 'fe80::1'],
  ])('of %s is %s', (authority, host) => {
    expect(hostOfAuthority(authority)).toBe(host);
  });

  it.each([
    '',
    ':8081',
    'a b',
    'a/b',
    'user@localhost',
    'http://localhost',
    'localhost:80:80',
    'localhost:http',
    'localhost?x',
    'localhost#x',
    'localhost\\x',
    '[::1',
    '::1',
    '[localhost]',
    '[127.0.0.1]',
    '[]',
    '[::1]x',
    'ä.example',
    'a\u0000',
  ])('is not there in %j', authority => {
    expect(hostOfAuthority(authority)).toBeUndefined();
  });

  it('stays a name where no URL can have it', () => {
    expect(hostOfAuthority('1.2.3.4.5')).toBe('1.2.3.4.5');
    expect(hostOfAuthority('127.0.0.256')).toBe('127.0.0.256');
  });
});

describe('A loopback host', () => {
  it.each(['localhost', 'a.localhost', 'a.b.localhost', '127.0.0.1', '127.255.255.254', '::1'])('is %s', host => {
    expect(isLoopbackHost(host)).toBe(true);
  });

  it.each([
    'localhost.example.com',
    'notlocalhost',
    '.localhost.evil.example',
    '127.0.0.1.evil.example',
    '127.0.0.256',
    '127.evil.example',
    '128.0.0.1',
    '0.0.0.0',
    '::',
    '::2',
    'localhost.',
    '',
  ])('is not %j', host => {
    expect(isLoopbackHost(host)).toBe(false);
  });

  it('is any address of 127.0.0.0/8, with any port, also mapped into IPv6', () => {
    const byte = fc.integer({ min: 0, max: 255 });
    fc.assert(
      fc.property(byte, byte, byte, fc.integer({ min: 0, max: 65_535 }), (a, b, c, port) => {
        for (const text of [`127.${a}.${b}.${c}:${port}`, `[::ffff:127.${a}.${b}.${c}]:${port}`]) {
          expect(isLoopbackHost(hostOfAuthority(text) ?? '')).toBe(true);
        }
      }),
    );
  });
});

describe('A server', () => {
  it.each([
    '127.0.0.1',
    '127.1',
    '::1',
    '0:0::1',
    '::ffff:127.0.0.1',
    '::ffff:7f00:2',
    '::1%lo',
    'localhost',
    'LOCALHOST',
  ])('listens on loopback at %s', host => {
    expect(listensOnLoopback(host)).toBe(true);
  });

  it.each(['0.0.0.0', '::', '10.0.0.1', 'fe80::1%eth0', 'node-1.example.com', 'localhost.example.com'])(
    'listens to others at %s',
    host => {
      expect(listensOnLoopback(host)).toBe(false);
    },
  );
});
