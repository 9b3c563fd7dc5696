import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { type AddressInfo, createServer, type ListenOptions, type Server } from 'node:net';
import { type FastifyInstance } from 'fastify';

/** How many listening sockets an address has, where the system lets them share a port. */
const MOST_ACCEPTORS = 16;

/** Of so many connections, one listening socket more is worth its descriptor. */
const CONNECTIONS_OF_ACCEPTOR = 64;

/** How many connections may wait to be accepted, for each listening socket; the system may allow fewer (`somaxconn`). */
const BACKLOG = 1_024;

/**
 * The addresses to listen on. For `localhost` these are all of its addresses, mostly 127.0.0.1 and ::1: clients use either.
 * Fastify would open a second server for the second one, without the handling of malformed requests that the first has.
 */
export async function listenAddresses(host: string): Promise<readonly [first: string, ...further: string[]]> {
  if (host.toLowerCase() !== 'localhost') return [host];
  const found = await lookup(host, { all: true }).catch(() => []);
  const [first = host, ...further] = new Set(found.map(({ address }) => address));
  return [first, ...further];
}

/**
 * The listening sockets of the server. Node.js accepts one connection of each in one turn of the event loop, so many clients
 * that connect at once would wait long beside other work, and heartbeats behind them: therefore each address has several,
 * among which the kernel divides new connections (`SO_REUSEPORT`). All connections belong to the one HTTP server.
 */
export class Acceptors {
  private readonly servers: Server[] = [];
  private perAddress = 1;

  /** @param connectionsMax how many connections the server may have */
  constructor(
    private readonly instance: FastifyInstance,
    private readonly connectionsMax: number,
  ) {
    let closed: Promise<unknown>[] = [];
    instance.addHook('preClose', done => {
      closed = this.servers.map(server => once(server.close(), 'close'));
      done();
    });
    instance.addHook('onClose', async () => {
      await Promise.all(closed);
    });
  }

  /** How many listening sockets there are. */
  get count(): number {
    return this.servers.length + (this.instance.server.listening ? 1 : 0);
  }

  /** The options with which the server must listen on the first address; it fails if the port is taken. */
  async optionsFor(host: string, port: number): Promise<ListenOptions> {
    const wanted = Math.min(MOST_ACCEPTORS, Math.ceil(this.connectionsMax / CONNECTIONS_OF_ACCEPTOR));
    // A socket that shares its port may share it with another process of this user, so one that does not share looks first.
    const canShare =
      wanted > 1 && (await canListen({ host, port })) && (await canListen({ host, port: 0, reusePort: true }));
    this.perAddress = canShare ? wanted : 1;
    return { host, port, ...this.shared() };
  }

  /**
   * Accepts connections with further sockets, once the server listens on its first address.
   * @param addresses further addresses, which get the same port
   * @returns the addresses that cannot be listened on
   */
  async listen(addresses: readonly string[]): Promise<string[]> {
    const { address: first, port } = this.instance.server.address() as AddressInfo;
    const failed: string[] = [];
    for (const address of [first, ...addresses]) {
      const wanted = address === first ? this.perAddress - 1 : this.perAddress;
      for (let n = 0; n < wanted; n++) {
        if (await this.listenOn(address, port)) continue;
        // Its first socket counts: with fewer than wanted, the address still works.
        if (n === 0 && address !== first) failed.push(address);
        break;
      }
    }
    return failed;
  }

  private async listenOn(host: string, port: number): Promise<boolean> {
    // As http.Server does it: clients may end their side of the connection after the request.
    const server = createServer({ allowHalfOpen: true, noDelay: true }, socket =>
      this.instance.server.emit('connection', socket),
    );
    try {
      await once(server.listen({ host, port, ...this.shared() }), 'listening');
    } catch {
      return false;
    }
    this.servers.push(server);
    return true;
  }

  private shared(): ListenOptions {
    return { backlog: BACKLOG, ...(this.perAddress > 1 && { reusePort: true }) };
  }
}

/** Whether a socket can listen with these options, by listening for a moment. */
async function canListen(options: ListenOptions): Promise<boolean> {
  const server = createServer();
  try {
    await once(server.listen(options), 'listening');
  } catch {
    return false;
  }
  await once(server.close(), 'close');
  return true;
}
