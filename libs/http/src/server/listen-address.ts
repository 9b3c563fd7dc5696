import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { createServer, isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { type Settings } from '@coordination/config';
import { errorText } from '@coordination/kernel';

/** Where the service listens. */
export type ListenPlace = Pick<Settings, 'HOST' | 'PORT'>;

/** The only name of which Fastify listens on every address, not just on the first one. */
const LOCALHOST = 'localhost';
/** The other address that `localhost` may resolve to. */
const OTHER_LOOPBACK: Readonly<Record<string, string>> = { '127.0.0.1': '::1', '::1': '127.0.0.1' };

/** The machine has no such address. A name may resolve to such an address and to others. */
const ABSENT_ADDRESS: ReadonlySet<string> = new Set(['EADDRNOTAVAIL', 'EAFNOSUPPORT']);
const FIRST_UNPRIVILEGED_PORT = 1_024;

/**
 * Checks that the service will be able to listen, by listening for a moment.
 * @throws Error with one line that names the setting and what to do
 */
export async function assertCanListen(place: ListenPlace): Promise<void> {
  const { HOST, PORT } = place;
  const failures: unknown[] = [];
  const addresses = await addressesOf(place);
  for (const address of addresses) {
    const failure = await failureToListen(address, PORT);
    if (failure === undefined) continue;
    if (HOST !== LOCALHOST || !ABSENT_ADDRESS.has(codeOf(failure))) throw listenError(failure, place, address);
    failures.push(failure);
  }
  if (failures.length === addresses.length) throw listenError(failures[0], place, addresses[0]);
}

/** A warning if the address is free, but `localhost` may lead callers to another process; else undefined. */
export async function otherOnLocalhost({ HOST, PORT }: ListenPlace): Promise<string | undefined> {
  const other = OTHER_LOOPBACK[HOST];
  if (other === undefined || PORT === 0) return undefined;
  if (codeOf(await failureToListen(other, PORT)) !== 'EADDRINUSE') return undefined;
  return (
    `Another process listens on ${at(other, PORT)}, where http://localhost:${PORT} may lead to: ` +
    `call this service as http://${at(HOST, PORT)}, or set PORT to another port.`
  );
}

/**
 * The error for a failure to listen, with one line that names the setting and what to do.
 * @param address the address that the host resolves to, if it is a name
 */
export function listenError(cause: unknown, { HOST, PORT }: ListenPlace, address = HOST): Error {
  const code = codeOf(cause);
  const host = address === HOST ? `HOST=${HOST}` : `HOST=${HOST}, which leads to ${address},`;
  return new Error(describe(code, { host, address, port: PORT }) ?? errorText(cause), { cause });
}

function describe(
  code: string,
  { host, address, port }: { readonly host: string; readonly address: string; readonly port: number },
): string | undefined {
  switch (code) {
    case 'EADDRINUSE':
      return (
        `PORT=${port} is taken (EADDRINUSE): another process listens on ${at(address, port)}. End that process, or set PORT ` +
        'to another port; PORT=0 takes a free one.'
      );
    case 'EACCES':
      return (
        `PORT=${port} is refused by the system (EACCES): this user may not listen on it. Set PORT to ` +
        `${FIRST_UNPRIVILEGED_PORT} or higher, such as 8081.`
      );
    case 'EADDRNOTAVAIL':
    case 'EAFNOSUPPORT':
      return (
        `${host} is no address of this machine (${code}). Set HOST to one that it has (${ownAddresses().join(', ')}), or to ` +
        '0.0.0.0 for all of them.'
      );
    case 'EINVAL':
      return `${host} cannot be listened on (EINVAL). An address that begins with fe80 needs its interface, such as fe80::1%eth0.`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EAI_FAIL':
    case 'EAI_NODATA':
      return `${host} cannot be resolved (${code}). Set HOST to an address of this machine, such as 127.0.0.1, or to 0.0.0.0 for all of them.`;
    default:
      return undefined;
  }
}

async function addressesOf(place: ListenPlace): Promise<readonly string[]> {
  try {
    const found = await lookup(place.HOST, { all: true });
    const addresses = found.map(({ address }) => address);
    return place.HOST === LOCALHOST ? addresses : addresses.slice(0, 1);
  } catch (error) {
    throw listenError(error, place);
  }
}

async function failureToListen(host: string, port: number): Promise<unknown> {
  const server = createServer().listen({ host, port });
  try {
    await once(server, 'listening');
  } catch (error) {
    return error;
  }
  server.close();
  await once(server, 'close');
  return undefined;
}

const ownAddresses = (): string[] =>
  Object.values(networkInterfaces()).flatMap(addresses =>
    (addresses ?? []).filter(({ scopeid }) => !scopeid).map(({ address }) => address),
  );

const at = (address: string, port: number): string => `${isIPv6(address) ? `[${address}]` : address}:${port}`;

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException | undefined)?.code ?? '';
