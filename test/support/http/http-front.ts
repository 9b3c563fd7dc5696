import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

/** A request that the front keeps back. */
export interface HeldRequest {
  /** Resolves when the request has come. */
  readonly reached: Promise<void>;
  /** Lets it go on. */
  release(): void;
}

/** What the front answers by itself. */
export interface FrontAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A request that came, in words such as `PUT /path`, and when (ms). */
export interface SeenRequest {
  readonly line: string;
  readonly atMs: number;
}

/** Stands before a server as a proxy does: it tells what came, keeps requests back, and answers some by itself. */
export class HttpFront {
  readonly seen: SeenRequest[] = [];
  private held: { readonly pattern: RegExp; reach(): void; readonly released: Promise<void> } | undefined;
  private answers: { readonly pattern: RegExp; readonly answer: FrontAnswer } | undefined;
  private server: Server | undefined;

  private constructor(
    private readonly target: string,
    private readonly port: number,
  ) {}

  /** Begins with the port closed: {@link open} opens it. */
  static at(target: string, port: number): HttpFront {
    return new HttpFront(target, port);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** The requests that came, without those that only ask. */
  get lines(): string[] {
    return this.seen.map(({ line }) => line);
  }

  async open(): Promise<void> {
    const server = createServer((incoming, outgoing) => {
      this.pass(incoming, outgoing).catch(() => outgoing.destroy());
    });
    this.server = server.listen(this.port, '127.0.0.1');
    await once(server, 'listening');
    if ((server.address() as AddressInfo).port !== this.port) throw new Error('Another port.');
  }

  async shut(): Promise<void> {
    const { server } = this;
    if (!server?.listening) return;
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  }

  /** Keeps the next request back whose line matches. */
  hold(pattern: RegExp): HeldRequest {
    const [reached, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    this.held = { pattern, reach: () => reached.resolve(), released: released.promise };
    return { reached: reached.promise, release: () => released.resolve() };
  }

  /** Answers requests by itself whose line matches, until it is called with nothing. */
  answer(pattern?: RegExp, answer?: FrontAnswer): void {
    this.answers = pattern && answer && { pattern, answer };
  }

  private async pass(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const line = `${incoming.method} ${incoming.url}`;
    const body = await buffer(incoming);
    this.seen.push({ line, atMs: performance.now() });
    const { held, answers } = this;
    if (held?.pattern.test(line)) {
      this.held = undefined;
      held.reach();
      await held.released;
    }
    if (answers?.pattern.test(line)) {
      outgoing.writeHead(answers.answer.status, answers.answer.headers).end();
      return;
    }
    const sent = request(this.target + incoming.url, { method: incoming.method, headers: incoming.headers });
    sent.end(body);
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    outgoing.writeHead(response.statusCode ?? 502, response.headers);
    outgoing.end(await buffer(response));
  }
}
