// The life of an instance, as its process lives it: register, send heartbeats, end in order. Copy the class into your service.
// Node.js from 22.18 on runs the file as it is: SERVICE=orders INSTANCE_ID=orders-1 ADDRESS=10.0.3.17 PORT=8080 node client.ts
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const REQUEST_TIMEOUT_MS = 5_000;
const FIRST_RETRY_MS = 200;
const LONGEST_RETRY_AFTER_S = 60;
/** How long a deregistration is tried. When that is not enough, the lease ends by itself. */
const DEREGISTER_WITHIN_MS = 15_000;

export interface Registration {
  readonly service: string;
  readonly instanceId: string;
  readonly host: string;
  readonly port: number;
  readonly check: { readonly kind: 'heartbeat'; readonly ttlSeconds: number };
}

interface Answer {
  /** 0 when there was none. */
  readonly status: number;
  /** Of the error, such as INCARNATION_ENDED. */
  readonly code: string | undefined;
  readonly retryAfterMs: number;
}

export class RegistryClient {
  /** Tells this process from the one that ran under the same instanceId before, and from the next one. */
  private readonly incarnation = randomUUID();
  private readonly ending = new AbortController();
  private readonly registryUrl: string;
  private readonly registration: Registration;
  private readonly say: (line: string) => void;
  private life: Promise<void> = Promise.resolve();
  private isEnding = false;
  private isReplaced = false;
  /** A registration got no answer, and may reach the registry yet. */
  private isDoubtful = false;
  private retryMs = FIRST_RETRY_MS;

  constructor(registryUrl: string, registration: Registration, say: (line: string) => void) {
    this.registryUrl = registryUrl;
    this.registration = registration;
    this.say = say;
  }

  /** Registers, and sends heartbeats until {@link end}. It never fails: what cannot be done now is tried again. */
  begin(): void {
    this.life = this.live();
  }

  /** To be called when the process has been told to end, and before it stops its work. */
  async end(drainMs: number): Promise<void> {
    this.isEnding = true;
    // 1. Callers stop coming. Heartbeats go on meanwhile: this instance still answers those who have not noticed.
    const stopping = { status: 'stopping', reason: 'the process ends' };
    if (!this.isReplaced) await this.send('PUT', `${this.path}/override${this.query}`, stopping);
    await delay(drainMs);
    // 2. No more heartbeats; one that is under way comes to its end. Else it could come after the DELETE, get 404, and this
    //    process would register again.
    this.ending.abort();
    await this.life;
    // 3. Only now.
    if (!this.isReplaced) await this.deregister();
  }

  private async live(): Promise<void> {
    const intervalMs = (this.registration.check.ttlSeconds * 1_000) / 3;
    let isRegistered = false;
    while (!this.ending.signal.aborted) {
      // Whoever ends does not come back.
      if (this.isEnding && !isRegistered) return;
      const wasRegistered = isRegistered;
      const answer = wasRegistered
        ? await this.send('PUT', `${this.path}/heartbeat${this.query}`)
        : await this.send('POST', '/api/v1/registry/instances', {
            ...this.registration,
            incarnation: this.incarnation,
          });
      const isDone = answer.status >= 200 && answer.status < 300;
      this.isDoubtful = !isDone && (this.isDoubtful || (!wasRegistered && answer.status === 0));
      if (isDone) {
        if (!wasRegistered) this.say(`registered as ${this.registration.instanceId}`);
        isRegistered = true;
        this.retryMs = FIRST_RETRY_MS;
        // Not at the same moment as all others, and three times in each lease.
        await this.pause(intervalMs * (0.8 + 0.2 * Math.random()));
      } else if (answer.status === 409 && answer.code === 'INCARNATION_ENDED') {
        this.isReplaced = true;
        this.say(`another process has taken the instanceId ${this.registration.instanceId}: no more heartbeats`);
        return;
      } else if (wasRegistered && answer.status === 404) {
        // The registry does not know this instance: its lease had ended, or an operator removed it.
        this.say('not registered any more');
        isRegistered = false;
      } else {
        // The registry is away, or busy: nothing is lost. A registration stands until its lease ends.
        this.say(`${wasRegistered ? 'heartbeat' : 'registration'}: ${describe(answer)}; trying again`);
        await this.pause(this.nextRetry(answer, intervalMs));
      }
    }
  }

  private async deregister(): Promise<void> {
    const giveUpAt = performance.now() + DEREGISTER_WITHIN_MS;
    this.retryMs = FIRST_RETRY_MS;
    for (;;) {
      const answer = await this.send('DELETE', `${this.path}${this.query}`);
      if (answer.status === 204) return this.say('deregistered');
      // Removed by somebody else, or it is another process's by now.
      const isGone = answer.status === 404 && !this.isDoubtful;
      if (isGone || answer.status === 409) return this.say('was not registered any more');
      const retryMs = this.nextRetry(answer, LONGEST_RETRY_AFTER_S * 1_000);
      if (performance.now() + retryMs > giveUpAt) {
        return this.say(`not deregistered (${describe(answer)}): the lease will end by itself`);
      }
      await delay(retryMs);
    }
  }

  /** As the registry asks; else longer each time, and not at the same moment as all others. */
  private nextRetry({ retryAfterMs }: Answer, mostMs: number): number {
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

  private async send(method: string, path: string, body?: object): Promise<Answer> {
    try {
      const response = await fetch(this.registryUrl + path, {
        method,
        signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
        ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
      });
      // Read to its end, or the connection is not used again.
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

const describe = ({ status, code }: Answer): string => (status === 0 ? 'no answer' : `${status} ${code ?? ''}`.trim());

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
  // A server that listens would keep the process alive; this stands for one.
  const serving = setInterval(() => undefined, 60_000);
  process.once('SIGTERM', () => {
    void client.end(Number(DRAIN_SECONDS ?? 5) * 1_000).then(() => clearInterval(serving));
  });
}
