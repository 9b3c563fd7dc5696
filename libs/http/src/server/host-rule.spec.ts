import { type IncomingMessage } from 'node:http';
import { readSettings } from '@coordination/config';
import { describe, expect, it } from 'vitest';
import { HostRule } from './host-rule.js';

interface Asked {
  readonly host?: string;
  readonly target?: string;
  readonly version?: '1.0' | '1.1';
  readonly rawHeaders?: string[];
}

function asked({ host, target = '/', version = '1.1', rawHeaders }: Asked): IncomingMessage {
  const raw = {
    headers: host === undefined ? {} : { host },
    rawHeaders: rawHeaders ?? (host === undefined ? [] : ['Host', host]),
    httpVersionMajor: 1,
    httpVersionMinor: version === '1.1' ? 1 : 0,
    url: target,
  };
  return raw as unknown as IncomingMessage;
}

const judge = (env: Record<string, string>, ask: Asked) =>
  new HostRule(readSettings(env)).complaintAbout(asked(ask))?.code ?? 'taken';

describe('A service that listens on loopback', () => {
  it.each([
    'localhost',
    'localhost:8081',
    'LocalHost.:1',
    'pcs.localhost',
    '127.0.0.1:8081',
    '127.8.9.1',
    '127.1',
    '[::1]:8081',
    '[0:0::1]',
    '[::ffff:127.0.0.1]',
    '[::1%25lo]',
  ])('takes %s', host => {
    expect(judge({}, { host })).toBe('taken');
  });

  it.each([
    'evil.example',
    'evil.example:8081',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    'evil.example.',
    '10.0.0.1',
    '0.0.0.0:8081',
    '169.254.169.254',
    '[::]',
    '[fe80::1%25eth0]',
    '',
  ])('takes no %j', host => {
    expect(judge({}, { host })).toBe('MISDIRECTED_REQUEST');
  });

  it.each(['127.0.0.1', '127.0.0.2', '::1', '0:0:0:0:0:0:0:1', '::ffff:127.0.0.1', 'localhost', 'LOCALHOST'])(
    'is one whose HOST is %s',
    HOST => {
      const env = { HOST, PCS_SELF_REGISTRATION: 'off' };
      expect(judge(env, { host: 'evil.example' })).toBe('MISDIRECTED_REQUEST');
      expect(judge(env, { host: 'localhost' })).toBe('taken');
    },
  );

  it('takes the hosts of the public URL and of the advertised host, with any port and in any spelling', () => {
    const env = { PCS_PUBLIC_URL: 'https://Platform.example.com:8443/pcs', PCS_ADVERTISED_HOST: 'node-1.example.com' };
    for (const host of [
      'platform.example.com',
      'PLATFORM.example.com:1',
      'platform.example.com.',
      'node-1.example.com:9',
    ]) {
      expect(judge(env, { host }), host).toBe('taken');
    }
    expect(judge(env, { host: 'example.com' })).toBe('MISDIRECTED_REQUEST');
    const v6 = { PCS_ADVERTISED_HOST: '2001:db8::7', PCS_PUBLIC_URL: 'http://[2001:db8::8]:81' };
    for (const host of ['[2001:db8::7]:8081', '[2001:DB8:0::8]']) expect(judge(v6, { host }), host).toBe('taken');
  });

  it('takes what PCS_ALLOWED_HOSTS lists, and the names below its wildcards', () => {
    const env = { PCS_ALLOWED_HOSTS: 'pcs.test, *.Example.com, 10.1.2.3' };
    for (const host of ['pcs.test:80', 'a.example.com', 'a.b.EXAMPLE.com.', '10.1.2.3:8081', '127.0.0.1']) {
      expect(judge(env, { host }), host).toBe('taken');
    }
    for (const host of ['example.com', 'aexample.com', '.example.com.evil', 'a.pcs.test', '10.1.2.4']) {
      expect(judge(env, { host }), host).toBe('MISDIRECTED_REQUEST');
    }
  });

  it('names the host and the settings that would allow it', () => {
    const complaint = new HostRule(readSettings({})).complaintAbout(asked({ host: 'evil.example:8081' }));
    expect(complaint?.message).toMatch(/"evil\.example:8081".*127\.0\.0\.1.*PCS_PUBLIC_URL.*PCS_ALLOWED_HOSTS/);
  });

  it('goes by the target where that is in absolute form, whatever Host says', () => {
    expect(judge({}, { host: 'evil.example', target: 'http://127.0.0.1:8081/x' })).toBe('taken');
    expect(judge({}, { host: '127.0.0.1', target: 'http://evil.example/x' })).toBe('MISDIRECTED_REQUEST');
    expect(judge({}, { version: '1.0', target: 'http://evil.example/x' })).toBe('MISDIRECTED_REQUEST');
    expect(judge({}, { host: 'localhost', target: 'http://user@localhost/x' })).toBe('VALIDATION_FAILED');
    expect(judge({}, { host: 'localhost', target: 'http:///x' })).toBe('VALIDATION_FAILED');
  });

  it('is spoken to by http, or by the scheme of the public URL', () => {
    const https = { host: 'localhost', target: 'https://localhost/x' };
    expect(judge({}, https)).toBe('MISDIRECTED_REQUEST');
    expect(judge({ PCS_PUBLIC_URL: 'https://platform.example.com' }, https)).toBe('taken');
    expect(judge({}, { host: 'localhost', target: 'ftp://localhost/x' })).toBe('MISDIRECTED_REQUEST');
    expect(judge({}, { host: 'localhost', target: 'HTTP://localhost/x' })).toBe('taken');
  });

  it('judges each host anew, also after one that it took', () => {
    const rule = new HostRule(readSettings({}));
    for (let n = 0; n < 3; n++) {
      expect(rule.complaintAbout(asked({ host: 'localhost' }))).toBeUndefined();
      expect(rule.complaintAbout(asked({ host: 'evil.example' }))?.code).toBe('MISDIRECTED_REQUEST');
      const elsewhere = asked({ host: 'localhost', target: 'http://evil.example/' });
      expect(rule.complaintAbout(elsewhere)?.code).toBe('MISDIRECTED_REQUEST');
    }
  });
});

describe('A service that listens on another address', () => {
  it.each(['0.0.0.0', '::', '10.0.0.1', 'node-1.example.com'])('does not look at the host with HOST=%s', HOST => {
    for (const host of ['10.4.5.6:8081', 'evil.example', '']) {
      expect(judge({ HOST }, { host }), host).toBe('taken');
    }
  });

  it('takes what PCS_ALLOWED_HOSTS lists, loopback, and its own names, where that is set', () => {
    const env = {
      HOST: '10.0.0.1',
      PCS_ALLOWED_HOSTS: 'pcs.test',
      PCS_ADVERTISED_HOST: 'node-1',
      PCS_PUBLIC_URL: 'http://p.example',
    };
    for (const host of ['pcs.test', 'localhost:8081', '[::1]', 'node-1', 'p.example', '10.0.0.1:8081']) {
      expect(judge(env, { host }), host).toBe('taken');
    }
    expect(judge(env, { host: '10.4.5.6:8081' })).toBe('MISDIRECTED_REQUEST');
    expect(judge({ ...env, HOST: '0.0.0.0' }, { host: '0.0.0.0' })).toBe('MISDIRECTED_REQUEST');
  });
});

describe.each(['127.0.0.1', '0.0.0.0'])('Wherever a service listens (%s), it refuses', HOST => {
  it.each(['a b', 'a/b', 'user@localhost', 'localhost:http', '[::1', '::1', ':8081', 'http://localhost'])(
    '%j as Host',
    host => {
      expect(judge({ HOST }, { host })).toBe('VALIDATION_FAILED');
    },
  );

  it('two hosts, and none with HTTP/1.1', () => {
    const twice = { host: 'localhost', rawHeaders: ['host', 'localhost', 'X', 'y', 'HOST', 'localhost'] };
    expect(judge({ HOST }, twice)).toBe('VALIDATION_FAILED');
    expect(judge({ HOST }, {})).toBe('VALIDATION_FAILED');
    expect(judge({ HOST }, { version: '1.0' })).toBe('taken');
  });
});
