import { Agent, type ClientRequest, request } from 'node:http';
import { nameOf, readAnswer } from './call.js';
import { type Repeated } from './callers-job.js';

/** The status of a watch that is open. */
const OPENED = 200;

/** Opens watches, one for each call, and keeps them open and read. */
export class WatchOpener {
  bytes = 0;
  private begun = 0;
  private ended = 0;
  private readonly agent = new Agent({ keepAlive: false, maxSockets: Infinity });
  private readonly requests = new Set<ClientRequest>();

  constructor(
    private readonly url: URL,
    private readonly watches: Extract<Repeated, { way: 'watches' }>,
  ) {}

  get hasMore(): boolean {
    return this.begun < this.watches.most;
  }

  /** How many have been begun, and are neither open nor refused. */
  get opening(): number {
    return this.begun - this.ended;
  }

  /** @returns the status; or the error of the connection. A watch counts as open when its first bytes have come. */
  open(): Promise<string> {
    const { paths } = this.watches;
    const path = paths[this.begun++ % paths.length]!;
    return new Promise(resolve => {
      let isSettled = false;
      const settle = (answer: string): void => {
        if (!isSettled) this.ended += 1;
        isSettled = true;
        resolve(answer);
      };
      const { hostname, port } = this.url;
      const sent = request({ hostname, port, path, agent: this.agent }, response => {
        if (response.statusCode !== OPENED) {
          readAnswer(response).then(
            ({ answer }) => settle(answer),
            (error: unknown) => settle(nameOf(error)),
          );
          return;
        }
        response.once('data', () => settle(String(OPENED)));
        response.on('data', (chunk: Buffer) => (this.bytes += chunk.length));
        response.once('error', error => settle(nameOf(error)));
      });
      sent.once('error', error => settle(nameOf(error)));
      sent.once('close', () => settle('closed'));
      this.requests.add(sent);
      sent.end();
    });
  }

  close(): void {
    for (const sent of this.requests) sent.destroy();
    this.agent.destroy();
  }
}
