import { describe, expect, it } from 'vitest';
import { type SslMode, tlsDemand } from './tls-demand.js';

const demand = (parameters: string, ssl: SslMode = 'off', fallbackMode?: string) =>
  tlsDemand(new Map(new URLSearchParams(parameters)), ssl, fallbackMode);

describe('tlsDemand', () => {
  it.each([
    ['disable', 'none', 'nothing'],
    ['allow', 'if-offered', 'nothing'],
    ['prefer', 'if-offered', 'nothing'],
    ['require', 'required', 'nothing'],
    ['no-verify', 'required', 'nothing'],
    ['verify-ca', 'required', 'chain'],
    ['verify-full', 'required', 'host'],
  ])('takes sslmode=%s to mean what libpq means: TLS %s, checked: %s', (mode, encryption, check) => {
    const meaning = { encryption, check, rootCertFile: null };
    expect(demand(`?sslmode=${mode}`)).toMatchObject(meaning);
    for (const ssl of ['require', 'verify'] as const) expect(demand(`?sslmode=${mode}`, ssl)).toMatchObject(meaning);
    expect(demand('', 'off', mode)).toMatchObject(meaning);
  });

  it('checks who issued the certificate where `require` comes with a root certificate, as libpq does', () => {
    const meaning = { encryption: 'required', check: 'chain', rootCertFile: '/ca.pem' };
    expect(demand('?sslmode=require&sslrootcert=/ca.pem')).toMatchObject(meaning);
    expect(demand('?sslrootcert=/ca.pem', 'require')).toMatchObject(meaning);
  });

  it.each([
    ['off', 'none', 'nothing'],
    ['require', 'required', 'nothing'],
    ['verify', 'required', 'host'],
  ] as const)('takes the setting %s where the URL says nothing', (ssl, encryption, check) => {
    expect(demand('', ssl)).toMatchObject({ encryption, check });
    expect(demand('?application_name=x', ssl)).toMatchObject({ encryption, check });
  });

  it('takes PGSSLMODE where neither the URL nor the setting says anything', () => {
    expect(demand('', 'off', 'require')).toMatchObject({ encryption: 'required', check: 'nothing' });
    expect(demand('', 'verify', 'disable')).toMatchObject({ encryption: 'required', check: 'host' });
    expect(demand('?sslmode=disable', 'off', 'require')).toMatchObject({ encryption: 'none' });
    expect(() => demand('', 'off', 'always')).toThrow(/^PGSSLMODE must be one of disable, /);
  });

  it('checks everything where only certificates are named, and knows the parameter of the driver', () => {
    expect(demand('?sslrootcert=/ca.pem&sslcert=/c.pem&sslkey=/k.pem')).toEqual({
      encryption: 'required',
      check: 'host',
      rootCertFile: '/ca.pem',
      certFile: '/c.pem',
      keyFile: '/k.pem',
      negotiation: 'postgres',
    });
    expect(demand('?ssl=true')).toMatchObject({ encryption: 'required', check: 'host' });
    expect(demand('?ssl=no-verify')).toMatchObject({ encryption: 'required', check: 'nothing' });
    for (const no of ['0', 'false']) expect(demand(`?ssl=${no}`, 'require')).toMatchObject({ encryption: 'none' });
    expect(demand('?ssl=true&sslmode=disable')).toMatchObject({ encryption: 'none' });
  });

  it('trusts the authorities of the system only for whoever has the name of the server', () => {
    expect(demand('?sslmode=verify-full&sslrootcert=system')).toMatchObject({ check: 'host', rootCertFile: null });
    for (const mode of ['prefer', 'require', 'verify-ca']) {
      expect(() => demand(`?sslmode=${mode}&sslrootcert=system`)).toThrow(`needs sslmode=verify-full, not ${mode}.`);
    }
  });

  it('begins TLS at once only where nothing else will do', () => {
    expect(demand('?sslmode=require&sslnegotiation=direct')).toMatchObject({ negotiation: 'direct' });
    for (const mode of ['disable', 'allow', 'prefer']) {
      expect(() => demand(`?sslmode=${mode}&sslnegotiation=direct`)).toThrow(`sslmode=require, verify-ca`);
    }
    expect(() => demand('?sslnegotiation=soon')).toThrow('must be postgres or direct');
  });

  it.each(['verify_full', 'REQUIRE', 'on', ''])('refuses sslmode=%s, and repeats no password', mode => {
    expect(() => demand(`?sslmode=${mode}`)).toThrow(
      /^sslmode in the URL of the database must be one of disable, allow, prefer, require, verify-ca, verify-full, no-verify\.$/,
    );
  });
});
