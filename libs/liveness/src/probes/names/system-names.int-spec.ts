import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '@coordination/kernel';
import { type DisposableDirectory, disposableDirectory } from '../../../../../test/support/disposable-directory.js';
import { at, type FakeNameServer, startNameServer } from '../../../../../test/support/names/name-server.js';
import { waitFor } from '../../../../../test/support/time/wait-for.js';
import { SilentNameServerError, UnknownNameError } from './name-errors.js';
import { SystemNames } from './system-names.js';

let directory: DisposableDirectory;
let server: FakeNameServer;
let files: { readonly hosts: string; readonly resolvConf: string; readonly checkMs: number };
let names: SystemNames;
let count = 0;

beforeAll(() => (directory = disposableDirectory()));
afterAll(() => directory.remove());
beforeEach(async () => {
  server = await startNameServer({ 'orders.test': at('10.0.0.1'), 'both.test': at('10.0.0.2', '2001:db8::2') });
  const name = `${count++}`;
  files = {
    hosts: join(directory.path, `hosts-${name}`),
    resolvConf: join(directory.path, `conf-${name}`),
    checkMs: 0,
  };
  names = new SystemNames(systemClock, files);
  await configure();
});
afterEach(() => server.close());

const configure = (...lines: string[]) =>
  writeFile(files.resolvConf, [`nameserver ${server.address}`, ...lines, ''].join('\n'));

/** The addresses of a name, in the order in which they are found. */
const find = async (host: string): Promise<string[]> =>
  (await names.find(host, true)).map(({ address, family }) => {
    expect(family).toBe(address.includes(':') ? 6 : 4);
    return address;
  });

describe('A name', () => {
  it('of the hosts file is found there, and no server is asked', async () => {
    await writeFile(files.hosts, '10.0.0.7 orders.test shop\n::1 shop\n');
    expect(await find('orders.test')).toEqual(['10.0.0.7']);
    expect(await find('SHOP')).toEqual(['10.0.0.7', '::1']);
    expect(server.asked()).toBe(0);
    await writeFile(files.hosts, '10.0.0.8 orders.test\n');
    expect(await find('orders.test'), 'the changed file is not noticed').toEqual(['10.0.0.8']);
    await writeFile(`${files.hosts}.new`, '10.0.0.9 orders.test\n');
    await rename(`${files.hosts}.new`, files.hosts);
    expect(await find('orders.test'), 'the replaced file is not noticed').toEqual(['10.0.0.9']);
    await rm(files.hosts);
    expect(await find('orders.test'), 'the removed file still counts').toEqual(['10.0.0.1']);
  });

  it('localhost is loopback without a hosts file and without a name server', async () => {
    expect(await find('localhost')).toEqual(['127.0.0.1', '::1']);
    expect(await find('api.localhost')).toEqual(['127.0.0.1', '::1']);
    expect(server.asked()).toBe(0);
    await writeFile(files.hosts, '127.0.0.2 localhost\n');
    expect(await find('localhost'), 'the hosts file counts first').toEqual(['127.0.0.2']);
  });

  it('has the addresses of both families, or of the one that it has', async () => {
    expect(await find('both.test')).toEqual(['10.0.0.2', '2001:db8::2']);
    expect(await find('orders.test')).toEqual(['10.0.0.1']);
    server.zone.set('six.test', at('2001:db8::6'));
    expect(await find('six.test')).toEqual(['2001:db8::6']);
  });

  it('that is an alias has the addresses of the other name, over several aliases', async () => {
    server.zone.set('www.test', { kind: 'alias', to: 'web.test' });
    server.zone.set('web.test', { kind: 'alias', to: 'both.test' });
    expect(await find('www.test')).toEqual(['10.0.0.2', '2001:db8::2']);
  });

  it('is searched in the domains of the search list', async () => {
    await configure('search a.test b.test');
    server.zone.set('shop.b.test', at('10.0.0.3'));
    expect(await find('shop')).toEqual(['10.0.0.3']);
    expect(server.asked('shop.a.test')).toBeGreaterThan(0);
    // A change of the search list counts for the next look-up.
    server.zone.set('shop.c.test', at('10.0.0.4'));
    await configure('search c.test');
    expect(await find('shop')).toEqual(['10.0.0.4']);
  });

  it('is first asked as it is if it has as many dots as ndots, else in the search list', async () => {
    server.zone.set('a.b.test', at('10.0.0.5'));
    server.zone.set('a.b.test.in.test', at('10.0.0.6'));
    await configure('search in.test', 'options ndots:2');
    expect(await find('a.b.test')).toEqual(['10.0.0.5']);
    await configure('search in.test', 'options ndots:3');
    expect(await find('a.b.test')).toEqual(['10.0.0.6']);
  });

  it('with a dot at its end is asked only as it is', async () => {
    await configure('search in.test', 'options ndots:5');
    server.zone.set('orders.test.in.test', at('10.0.0.6'));
    expect(await find('orders.test.')).toEqual(['10.0.0.1']);
    expect(await find('orders.test')).toEqual(['10.0.0.6']);
  });

  it('whose answer is too long for UDP is asked by TCP', async () => {
    server.zone.set('long.test', { kind: 'truncated' });
    expect(await find('long.test')).toEqual(['127.0.0.1']);
  });

  it.each(['nxdomain', 'no-data'] as const)('of which the server says %s is unknown', async kind => {
    server.zone.set('gone.test', { kind });
    await expect(names.find('gone.test', true)).rejects.toThrow(UnknownNameError);
  });

  it.each(['silent', 'servfail', 'refused', 'wrong-question'] as const)(
    'of which the server is %s is not known to be gone',
    async kind => {
      server.zone.set('gone.test', { kind });
      await expect(names.find('gone.test', true)).rejects.toThrow(SilentNameServerError);
    },
  );

  it('that one domain cannot answer for is still searched in the others, but then not unknown', async () => {
    await configure('search broken.test good.test');
    server.zone.set('shop.broken.test', { kind: 'servfail' });
    server.zone.set('shop.good.test', at('10.0.0.3'));
    expect(await find('shop')).toEqual(['10.0.0.3']);
    server.zone.delete('shop.good.test');
    await expect(names.find('shop', true)).rejects.toThrow(SilentNameServerError);
  });

  it('is asked at the next server, if one cannot be reached or fails', async () => {
    const broken = await startNameServer({ 'orders.test': { kind: 'servfail' } });
    try {
      await writeFile(files.resolvConf, `nameserver ${broken.address}\nnameserver ${server.address}\n`);
      expect(await find('orders.test')).toEqual(['10.0.0.1']);
    } finally {
      await broken.close();
    }
    expect(await find('both.test'), 'nothing listens at the first one').toEqual(['10.0.0.2', '2001:db8::2']);
  });

  it('is not asked first at a server that has been silent', async () => {
    const silent = await startNameServer({});
    for (const name of ['a.test', 'b.test', 'c.test', 'd.test']) {
      silent.zone.set(name, { kind: 'silent' });
      server.zone.set(name, at('10.0.0.9'));
    }
    await writeFile(files.resolvConf, `nameserver ${silent.address}\nnameserver ${server.address}\n`);
    for (const name of ['a.test', 'b.test', 'c.test']) {
      await names.find(name, true).catch(() => undefined);
    }
    const before = silent.asked();
    expect(await find('d.test')).toEqual(['10.0.0.9']);
    expect(silent.asked(), 'each look-up waits for the silent server first').toBe(before);
    await silent.close();
  });

  it('needs no resolv.conf: then the name server of the machine is asked, and its silence is no answer', async () => {
    await rm(files.resolvConf);
    const found = await names.find('orders.test', true).catch((error: unknown) => error);
    if (Array.isArray(found)) return;
    expect([UnknownNameError, SilentNameServerError]).toContain((found as Error).constructor);
  });
});

describe('Sixty names of a silent zone', () => {
  it('leave places for other names, which are answered meanwhile', async () => {
    for (let n = 0; n < 60; n++) server.zone.set(`n${n}.dead.test`, { kind: 'silent' });
    const dead = Array.from({ length: 60 }, (_, n) => names.find(`n${n}.dead.test`, false).catch((e: Error) => e));
    await waitFor('some wait', () => names.load.waiting > 0);
    expect(await find('orders.test')).toEqual(['10.0.0.1']);
    // Of the same zone, too: this name was answered before.
    server.zone.set('good.dead.test', at('10.0.0.4'));
    expect(await find('good.dead.test')).toEqual(['10.0.0.4']);
    expect(names.load.waiting, 'the others are through already: nothing was shown').toBeGreaterThan(0);
    expect(names.load.inUse).toBeLessThanOrEqual(16);
    for (const found of await Promise.all(dead)) expect(found).toBeInstanceOf(SilentNameServerError);
    await waitFor('all places are free again', () => names.load.inUse === 0 && names.load.waiting === 0);
  });
});
