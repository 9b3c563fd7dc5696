import { type RequestListener } from 'node:http';
import { type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '@coordination/kernel';
import { ProbePolicy } from '@coordination/registry';
import { type ProbedCheck, type Scheme } from '@coordination/catalog';
import { aGrpcCheck, anHttpCheck, aTcpCheck } from '../../../../../test/support/catalog/factories.js';
import {
  bareGrpcTarget,
  freePort,
  grpcTarget,
  httpsTarget,
  httpTarget,
  tcpTarget,
} from '../../../../../test/support/http/targets.js';
import { waitFor } from '../../../../../test/support/time/wait-for.js';
import { type ResolvedAddress } from '../names/hosts-file.js';
import { SilentNameServerError } from '../names/name-errors.js';
import { NAME_TIMES, NameResolver } from '../names/name-resolver.js';
import { SystemNames } from '../names/system-names.js';
import { MAX_OUTPUT, type ProbeOutcome } from './probe-outcome.js';
import { Prober } from './prober.js';

const LOOPBACK = new ProbePolicy(['127.0.0.0/8', '::1/128']);
const NEVER_STALLED = { stalledMsSince: () => 0 };

/** All addresses of a name. */
type Lookup = (host: string) => Promise<readonly ResolvedAddress[]>;

/** A prober whose names come from the machine, or from a test. */
function aProber(policy = LOOPBACK, lookup?: Lookup): Prober {
  const source = lookup ? { find: lookup } : new SystemNames(systemClock);
  const names = new NameResolver(source, systemClock, { ...NAME_TIMES, freshMs: 1 });
  return new Prober(policy, names, systemClock, NEVER_STALLED);
}

const started: { close(): Promise<void> }[] = [];

afterEach(async () => {
  await Promise.all(started.splice(0).map(target => target.close()));
});

async function begin<T extends { close(): Promise<void> }>(starting: Promise<T>): Promise<T> {
  const target = await starting;
  started.push(target);
  return target;
}

interface Asked {
  readonly port: number;
  readonly check: ProbedCheck;
  readonly host?: string;
  readonly scheme?: Scheme;
}

/** Probes once, as a node does. */
async function probe(
  { port, check, host = '127.0.0.1', scheme = 'http' }: Asked,
  lookup?: Lookup,
): Promise<ProbeOutcome> {
  const outcome = await aProber(LOOPBACK, lookup).probe({ host, port, scheme, check }, new AbortController().signal);
  if (!outcome) throw new Error('the probe was called off');
  return outcome;
}

const answering =
  (status: number, body = '', headers = {}): RequestListener =>
  (_, response) =>
    response.writeHead(status, headers).end(body);

/** A name service that returns the same addresses for every name. */
const names = (...addresses: string[]): Lookup => {
  const found = addresses.map(address => ({ address, family: address.includes(':') ? (6 as const) : (4 as const) }));
  return async () => found;
};

const unansweredNames: Lookup = host => Promise.reject(new SilentNameServerError(host, 'ETIMEOUT'));

const silentNames: Lookup = () => new Promise(() => undefined);

/** Short, for servers that will not answer. */
const IMPATIENT = { timeoutSeconds: 1 };
/** Long, for what has another result on a machine that stops for a while. */
const PATIENT = { timeoutSeconds: 60 };

describe('A probe by HTTP', () => {
  it('sends the request of the check, and keeps the response', async () => {
    const seen: unknown[] = [];
    const target = await begin(
      httpTarget(({ method, url, headers }, response) => {
        seen.push({ method, url, host: headers.host, probe: headers['x-probe'], encoding: headers['accept-encoding'] });
        response.end('all is well');
      }),
    );
    const check = anHttpCheck({ path: '/ready?deep=1', headers: { 'x-probe': 'yes' } });
    expect(await probe({ port: target.port, check })).toEqual({
      result: 'success',
      output: 'HTTP 200 OK: all is well',
    });
    const host = `127.0.0.1:${target.port}`;
    expect(seen).toEqual([{ method: 'GET', url: '/ready?deep=1', host, probe: 'yes', encoding: 'identity' }]);
  });

  it('with HEAD needs no body', async () => {
    const methods: (string | undefined)[] = [];
    const target = await begin(
      httpTarget(({ method }, response) => {
        methods.push(method);
        response.writeHead(204).end();
      }),
    );
    const outcome = await probe({ port: target.port, check: anHttpCheck({ method: 'HEAD' }) });
    expect(outcome).toEqual({ result: 'success', output: 'HTTP 204 No Content' });
    expect(methods).toEqual(['HEAD']);
  });

  it('fails by a status that is not expected, and says which', async () => {
    const target = await begin(httpTarget(answering(503, 'no database')));
    expect(await probe({ port: target.port, check: anHttpCheck() })).toEqual({
      result: 'failure',
      output: 'Not one of 200-299: HTTP 503 Service Unavailable: no database',
    });
    const expecting = anHttpCheck({ expectedStatuses: '200,503' });
    expect((await probe({ port: target.port, check: expecting })).result).toBe('success');
  });

  it('never follows a redirect', async () => {
    const elsewhere = await begin(httpTarget(answering(200)));
    const target = await begin(httpTarget(answering(302, '', { location: `http://127.0.0.1:${elsewhere.port}/` })));
    expect((await probe({ port: target.port, check: anHttpCheck() })).result).toBe('failure');
    expect(elsewhere.contacts.total, 'the redirect was followed').toBe(0);
  });

  it('reads no more than the beginning of a huge body', async () => {
    let sent = 0;
    const target = await begin(
      httpTarget((_, response) => {
        const chunk = Buffer.alloc(64 * 1024, 'x');
        const go = () => {
          while (!response.destroyed && response.write(chunk)) sent += chunk.length;
        };
        response.on('drain', go);
        go();
      }),
    );
    const { result, output } = await probe({ port: target.port, check: anHttpCheck() });
    expect(result).toBe('success');
    expect(output).toHaveLength(MAX_OUTPUT);
    await waitFor('the connection is gone', () => target.contacts.open === 0);
    expect(sent, 'an endless answer was read').toBeLessThan(16 * 1024 * 1024);
  });

  it.each<[string, (socket: Socket) => void, string]>([
    ['nothing', () => undefined, 'timeout'],
    ['half a head', socket => socket.write('HTTP/1.1 200 OK\r\nContent-'), 'timeout'],
    ['half a body', socket => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfive!'), 'timeout'],
    ['one hint after the other', socket => hintEndlessly(socket), 'timeout'],
    ['a reset', socket => socket.resetAndDestroy(), 'failure'],
    ['an end', socket => socket.end(), 'failure'],
    ['nonsense', socket => socket.end('SSH-2.0-OpenSSH\r\n\r\n'), 'failure'],
    ['a head without an end', socket => floodHead(socket), 'failure'],
    [
      'a switch of protocols',
      socket => socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n'),
      'failure',
    ],
    ['a body that breaks off', socket => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfive!'), 'failure'],
  ])('with %s as the response ends in time, and leaves no connection', async (_, take, result) => {
    const target = await begin(tcpTarget(take));
    const check = anHttpCheck(result === 'timeout' ? IMPATIENT : PATIENT);
    const outcome = await probe({ port: target.port, check });
    expect(outcome.result, outcome.output).toBe(result);
    expect(outcome.output).not.toBe('');
    await waitFor('the connection is gone', () => target.contacts.open === 0);
  });

  it('keeps only storable characters of a response', async () => {
    const target = await begin(
      httpTarget((_, response) => response.end(Buffer.from([0x61, 0, 0xff, 0xed, 0xa0, 0x80]))),
    );
    const { output } = await probe({ port: target.port, check: anHttpCheck() });
    expect(output).toMatch(/^HTTP 200 OK: a/);
    expect(output.isWellFormed() && !output.includes('\0'), 'PostgreSQL would refuse it').toBe(true);
  });

  it('keeps no invisible characters of a response', async () => {
    const page = 'a\u001b[31m\u009b\u202e\u2066\u200bz\n';
    const target = await begin(httpTarget((_, response) => response.writeHead(500).end(page)));
    const { output } = await probe({ port: target.port, check: anHttpCheck() });
    expect(output).toBe('Not one of 200-299: HTTP 500 Internal Server Error: a\uFFFD[31m\uFFFD\uFFFD\uFFFD\uFFFDz\n');
  });

  it('over TLS requires a valid certificate, unless the check has tlsVerify off', async () => {
    const target = await begin(httpsTarget(answering(200, 'secret')));
    const asked = { port: target.port, scheme: 'https', host: 'localhost' } as const;
    expect(await probe({ ...asked, check: anHttpCheck() })).toMatchObject({
      result: 'failure',
      output: expect.stringMatching(/self-signed/),
    });
    const trusting = anHttpCheck({ tlsVerify: false });
    expect(await probe({ ...asked, check: trusting })).toEqual({ result: 'success', output: 'HTTP 200 OK: secret' });
    const plain = await begin(httpTarget(answering(200)));
    expect((await probe({ ...asked, port: plain.port, check: trusting })).result, 'TLS was not used').toBe('failure');
  });

  it('ends without a result when it is called off', async () => {
    const target = await begin(tcpTarget(() => undefined));
    const off = new AbortController();
    const prober = aProber();
    const probing = prober.probe(
      { host: '127.0.0.1', port: target.port, scheme: 'http', check: anHttpCheck() },
      off.signal,
    );
    await waitFor('it is connected', () => target.contacts.open === 1);
    off.abort();
    expect(await probing).toBeUndefined();
    await waitFor('the connection is gone', () => target.contacts.open === 0);
  });
});

describe('A probe by TCP', () => {
  it('succeeds when the connection is accepted, and sends nothing', async () => {
    let heard = 0;
    const target = await begin(tcpTarget(socket => socket.on('data', data => (heard += data.length))));
    expect((await probe({ port: target.port, check: aTcpCheck() })).result).toBe('success');
    await waitFor('the connection is gone', () => target.contacts.total === 1 && target.contacts.open === 0);
    expect(heard).toBe(0);
  });

  it('fails when the connection is refused', async () => {
    const outcome = await probe({ port: await freePort(), check: aTcpCheck() });
    expect(outcome).toMatchObject({ result: 'failure', output: expect.stringMatching(/ECONNREFUSED/) });
  });

  it('tries each address of a name', async () => {
    const target = await begin(tcpTarget(() => undefined));
    expect(
      (await probe({ port: target.port, host: 'orders.test', check: aTcpCheck() }, names('::1', '127.0.0.1'))).result,
    ).toBe('success');
  });
});

describe('A probe by gRPC', () => {
  it.each([
    ['', 'success', 'SERVING'],
    ['orders', 'failure', 'NOT_SERVING'],
    ['billing', 'failure', 'UNKNOWN'],
    ['nobody', 'failure', 'NOT_FOUND'],
  ])('about %j is a %s', async (serviceName, result, output) => {
    const target = await begin(grpcTarget({ '': 'SERVING', orders: 'NOT_SERVING', billing: 'UNKNOWN' }));
    const outcome = await probe({ port: target.port, scheme: 'grpc', check: aGrpcCheck({ serviceName }) });
    expect(outcome).toEqual({ result, output: expect.stringContaining(output) });
  });

  it('fails where there is no health service', async () => {
    const target = await begin(bareGrpcTarget());
    const outcome = await probe({ port: target.port, scheme: 'grpc', check: aGrpcCheck() });
    expect(outcome).toMatchObject({ result: 'failure', output: expect.stringMatching(/UNIMPLEMENTED/) });
  });

  it('fails if no process listens, and if the server has another protocol', async () => {
    const refused = await probe({ port: await freePort(), scheme: 'grpc', check: aGrpcCheck(PATIENT) });
    expect(refused.result).toBe('failure');
    const http = await begin(httpTarget(answering(200)));
    const other = await probe({ port: http.port, scheme: 'grpc', check: aGrpcCheck(IMPATIENT) });
    expect(['failure', 'timeout']).toContain(other.result);
  });

  it('ends in time without a response, and leaves no connection', async () => {
    const target = await begin(tcpTarget(() => undefined));
    expect((await probe({ port: target.port, scheme: 'grpc', check: aGrpcCheck(IMPATIENT) })).result).toBe('timeout');
    await waitFor('the connection is gone', () => target.contacts.open === 0);
  });

  it('over TLS requires a valid certificate, unless the check has tlsVerify off', async () => {
    const target = await begin(grpcTarget({ '': 'SERVING' }, true));
    const asked = { port: target.port, scheme: 'grpcs', host: 'localhost' } as const;
    expect((await probe({ ...asked, check: aGrpcCheck() })).result).toBe('failure');
    expect((await probe({ ...asked, check: aGrpcCheck({ tlsVerify: false }) })).result).toBe('success');
  });

  it('uses no proxy of the environment', async () => {
    const proxy = await begin(tcpTarget(() => undefined));
    const target = await begin(grpcTarget({ '': 'SERVING' }));
    process.env['grpc_proxy'] = `http://127.0.0.1:${proxy.port}`;
    try {
      expect((await probe({ port: target.port, scheme: 'grpc', check: aGrpcCheck() })).result).toBe('success');
    } finally {
      delete process.env['grpc_proxy'];
    }
    expect(proxy.contacts.total).toBe(0);
  });
});

describe('A name', () => {
  const CHECKS = [
    { scheme: 'http', check: anHttpCheck(PATIENT) },
    { scheme: 'tcp', check: aTcpCheck(PATIENT) },
    { scheme: 'grpc', check: aGrpcCheck(PATIENT) },
  ] as const;

  it.each(CHECKS)('that leads to a forbidden address is never contacted ($scheme)', async asked => {
    const target = await begin(tcpTarget(() => undefined));
    const policy = new ProbePolicy(['10.0.0.0/8']);
    const prober = aProber(policy);
    const outcome = await prober.probe(
      { ...asked, host: 'localhost', port: target.port },
      new AbortController().signal,
    );
    expect(outcome).toMatchObject({
      result: 'forbidden',
      output: expect.stringMatching(/^Not contacted: .*PCS_PROBE_ALLOW/),
    });
    expect(target.contacts.total, 'a forbidden address was contacted').toBe(0);
  });

  it.each(CHECKS)('of which one address is forbidden is not contacted at the others either ($scheme)', async asked => {
    const target = await begin(tcpTarget(() => undefined));
    const outcome = await probe(
      { ...asked, host: 'orders.test', port: target.port },
      names('127.0.0.1', '169.254.169.254'),
    );
    expect(outcome).toMatchObject({ result: 'forbidden', output: expect.stringMatching(/169\.254\.169\.254/) });
    expect(target.contacts.total).toBe(0);
  });

  it.each(CHECKS)('is looked up once for a probe, so that a second look-up cannot differ ($scheme)', async given => {
    // What is contacted does not answer.
    const asked = { ...given, check: { ...given.check, ...IMPATIENT } } as typeof given;
    const target = await begin(tcpTarget(() => undefined));
    let lookups = 0;
    const rebinding: Lookup = async () => {
      lookups += 1;
      return [{ address: lookups === 1 ? '127.0.0.1' : '169.254.169.254', family: 4 }];
    };
    await probe({ ...asked, host: 'orders.test', port: target.port }, rebinding);
    expect(lookups).toBe(1);
    await waitFor('the allowed address was contacted', () => target.contacts.total > 0);
  });

  it('is sent along: as Host, and as the name that the certificate is for', async () => {
    const hosts: (string | undefined)[] = [];
    const target = await begin(
      httpsTarget(({ headers, socket }, response) => {
        hosts.push(headers.host, (socket as unknown as { servername: string }).servername);
        response.end();
      }),
    );
    const check = anHttpCheck({ tlsVerify: false });
    await probe({ port: target.port, scheme: 'https', host: 'orders.test', check }, names('127.0.0.1'));
    expect(hosts).toEqual([`orders.test:${target.port}`, 'orders.test']);
  });

  it('that is unknown is a failure, and a look-up without a response is a fault of this node', async () => {
    expect(await probe({ port: 1, host: 'orders.test', check: aTcpCheck() }, names())).toEqual({
      result: 'failure',
      output: 'orders.test has no address.',
    });
    const unanswered = await probe({ port: 1, host: 'orders.test', check: aTcpCheck(IMPATIENT) }, silentNames);
    expect(unanswered).toMatchObject({ result: 'node', fault: 'dns' });
    const { output } = await probe({ port: 1, host: 'orders.test', check: aTcpCheck() }, unansweredNames);
    expect(output).toBe('The address of orders.test is not known, because no name server answered: ETIMEOUT.');
  });
});

/** Informational responses without end (RFC 9110, section 15.2), and no final one. */
function hintEndlessly(socket: Socket): void {
  const timer = setInterval(() => socket.write('HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n'), 20);
  socket.once('close', () => clearInterval(timer));
}

function floodHead(socket: Socket): void {
  socket.write('HTTP/1.1 200 OK\r\n');
  const header = `x-header: ${'x'.repeat(1_000)}\r\n`;
  const go = () => {
    while (!socket.destroyed && socket.write(header));
  };
  socket.on('drain', go);
  go();
}
