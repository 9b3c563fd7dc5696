// A registry client: registers an instance, sends heartbeats, and shuts down in order. Copy the class into your service.
// Node.js 22.18 and newer runs the file directly: SERVICE=orders INSTANCE_ID=orders-1 ADDRESS=10.0.3.17 PORT=8080 node client.ts
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const REQUEST_TIMEOUT_MS = 5_000;
const FIRST_RETRY_MS = 200;
const LONGEST_RETRY_AFTER_S = 60;
/** How long the client tries to deregister. If that fails, the lease ends automatically. */
const DEREGISTER_WITHIN_MS = 15_000;

export interface Registration {
  readonly service: string;
  readonly instanceId: string;
  readonly host: string;
  readonly port: number;
  readonly check: { readonly kind: 'heartbeat'; readonly ttlSeconds: number };
}

interface Reply {
  /** 0 if there was no response. */
  readonly status: number;
  /** The code of the error, such as INCARNATION_ENDED. */
  readonly code: string | undefined;
  readonly retryAfterMs: number;
}

export class RegistryClient {
  /** Distinguishes this process from the previous one with the same instanceId, and from the next one. */
  private readonly incarnation = randomUUID();
  private readonly ending = new AbortController();
  private readonly registryUrl: string;
  private readonly registration: Registration;
  private readonly say: (line: string) => void;
  private life: Promise<void> = Promise.resolve();
  private isEnding = false;
  private isReplaced = false;
  /** A registration got no response, and may still reach the registry. */
  private isDoubtful = false;
  private retryMs = FIRST_RETRY_MS;

  constructor(registryUrl: string, registration: Registration, say: (line: string) => void) {
    this.registryUrl = registryUrl;
    this.registration = registration;
    this.say = say;
  }

  /** Registers, and sends heartbeats until {@link end}. It never throws: failed calls are repeated. */
  begin(): void {
    this.life = this.live();
  }

  /** Call this when the process gets a signal to end, before it stops its work. */
  async end(drainMs: number): Promise<void> {
    this.isEnding = true;
    // 1. Discovery stops returning the instance. Heartbeats continue: it still serves callers that have not noticed.
    const stopping = { status: 'stopping', reason: 'the process ends' };
    if (!this.isReplaced) await this.send('PUT', `${this.path}/override${this.query}`, stopping);
    await delay(drainMs);
    // 2. Stop the heartbeats and wait for the one in flight. It could otherwise arrive after the DELETE, get 404, and this
    //    process would register again.
    this.ending.abort();
    await this.life;
    // 3. Only now deregister.
    if (!this.isReplaced) await this.deregister();
  }

  private async live(): Promise<void> {
    const intervalMs = (this.registration.check.ttlSeconds * 1_000) / 3;
    let isRegistered = false;
    while (!this.ending.signal.aborted) {
      // Do not register again during the shutdown.
      if (this.isEnding && !isRegistered) return;
      const wasRegistered = isRegistered;
      const response = wasRegistered
        ? await this.send('PUT', `${this.path}/heartbeat${this.query}`)
        : await this.send('POST', '/api/v1/registry/instances', {
            ...this.registration,
            incarnation: this.incarnation,
          });
      const isDone = response.status >= 200 && response.status < 300;
      this.isDoubtful = !isDone && (this.isDoubtful || (!wasRegistered && response.status === 0));
      if (isDone) {
        if (!wasRegistered) this.say(`registered as ${this.registration.instanceId}`);
        isRegistered = true;
        this.retryMs = FIRST_RETRY_MS;
        // With jitter, and at least three times in each lease.
        await this.pause(intervalMs * (0.8 + 0.2 * Math.random()));
      } else if (response.status === 409 && response.code === 'INCARNATION_ENDED') {
        this.isReplaced = true;
        this.say(`another process has taken the instanceId ${this.registration.instanceId}: no more heartbeats`);
        return;
      } else if (wasRegistered && response.status === 404) {
        // The registry does not know this instance: its lease has ended, or an operator has removed it.
        this.say('not registered any more');
        isRegistered = false;
      } else {
        // The registry is unavailable or busy. The registration stays valid until its lease ends.
        this.say(`${wasRegistered ? 'heartbeat' : 'registration'}: ${describe(response)}; trying again`);
        await this.pause(this.nextRetry(response, intervalMs));
      }
    }
  }

  private async deregister(): Promise<void> {
    const giveUpAt = performance.now() + DEREGISTER_WITHIN_MS;
    this.retryMs = FIRST_RETRY_MS;
    for (;;) {
      const response = await this.send('DELETE', `${this.path}${this.query}`);
      if (response.status === 204) return this.say('deregistered');
      // Another client has removed it, or another process has taken it.
      const isGone = response.status === 404 && !this.isDoubtful;
      if (isGone || response.status === 409) return this.say('was not registered any more');
      const retryMs = this.nextRetry(response, LONGEST_RETRY_AFTER_S * 1_000);
      if (performance.now() + retryMs > giveUpAt) {
        return this.say(`not deregistered (${describe(response)}): the lease will end by itself`);
      }
      await delay(retryMs);
    }
  }

  /** Exponential backoff with jitter, and at least the Retry-After of the registry. */
  private nextRetry({ retryAfterMs }: Reply, mostMs: number): number {
    const retryMs = this.retryMs * (0.5 + 0.5 * Math.random());
    this.retryMs = Math.min(this.retryMs * 2, mostMs);
    return Math.max(retryMs, retryAfterMs);
  }

  private async pause(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.ending.signal }).catch(() => undefined);
  }

  private get path(): string {
    const [service, instanceId] = [this.registration.service, this.registration.instanceId].map(encodeURIComponent);
    return `/api/v1/registry/services/${service}/instances/${instanceId}`;
  }

  private get query(): string {
    return `?incarnation=${this.incarnation}`;
  }

  private async send(method: string, path: string, body?: object): Promise<Reply> {
    try {
      const response = await fetch(this.registryUrl + path, {
        method,
        signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
        ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
      });
      // Read the whole body, so that the connection can be reused.
      const text = await response.text();
      return {
        status: response.status,
        code: /"code":\s*"(\w+)"/.exec(text)?.[1],
        retryAfterMs: Math.min(Number(response.headers.get('retry-after')) || 0, LONGEST_RETRY_AFTER_S) * 1_000,
      };
    } catch {
      return { status: 0, code: undefined, retryAfterMs: 0 };
    }
  }
}

const describe = ({ status, code }: Reply): string => (status === 0 ? 'no response' : `${status} ${code ?? ''}`.trim());

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const {
    REGISTRY_URL = 'http://127.0.0.1:8081',
    SERVICE,
    INSTANCE_ID,
    ADDRESS,
    PORT,
    TTL_SECONDS,
    DRAIN_SECONDS,
  } = process.env;
  const client = new RegistryClient(
    REGISTRY_URL,
    {
      service: SERVICE ?? 'orders',
      instanceId: INSTANCE_ID ?? 'orders-1',
      host: ADDRESS ?? '127.0.0.1',
      port: Number(PORT ?? 8080),
      check: { kind: 'heartbeat', ttlSeconds: Number(TTL_SECONDS ?? 30) },
    },
    line => void process.stdout.write(`${line}\n`),
  );
  client.begin();
  // Keeps the process alive, as a listening server would.
  const serving = setInterval(() => undefined, 60_000);
  process.once('SIGTERM', () => {
    void client.end(Number(DRAIN_SECONDS ?? 5) * 1_000).then(() => clearInterval(serving));
  });
}
