import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { type FastifyInstance } from 'fastify';

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

/** Further addresses of the server, with the same port. Their connections belong to the one HTTP server. */
export class FurtherAddresses {
  private readonly servers: Server[] = [];

  constructor(private readonly instance: FastifyInstance) {
    let closed: Promise<unknown>[] = [];
    instance.addHook('preClose', done => {
      closed = this.servers.map(server => once(server.close(), 'close'));
      done();
    });
    instance.addHook('onClose', async () => {
      await Promise.all(closed);
    });
  }

  /**
   * Accepts connections there, too, once the server listens.
   * @returns the addresses that cannot be listened on
   */
  async listen(addresses: readonly string[]): Promise<string[]> {
    const { port } = this.instance.server.address() as AddressInfo;
    const had = await Promise.all(addresses.map(address => this.listenOn(address, port)));
    return addresses.filter((_, n) => !had[n]);
  }

  private async listenOn(host: string, port: number): Promise<boolean> {
    // As http.Server does it: clients may end their side of the connection after the request.
    const server = createServer({ allowHalfOpen: true, noDelay: true }, socket =>
      this.instance.server.emit('connection', socket),
    );
    try {
      await once(server.listen({ host, port }), 'listening');
    } catch {
      return false;
    }
    this.servers.push(server);
    return true;
  }
}
