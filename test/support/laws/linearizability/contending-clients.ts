import { type Api } from '../../http/api.js';
import { seeded } from '../../http/mixed-load.js';
import { perform } from './catalog-operations.js';
import { type ServiceInput, type ServiceOperation, withUnseenTokensAlike } from './service-model.js';

/** How clients contend. */
export interface ContentionOptions {
  /** Nodes, of which each request goes to one. */
  readonly apis: readonly Api[];
  readonly seed: number;
  readonly clients: number;
  readonly services: number;
  readonly instancesPerService: number;
  /** After what time (ms) a client waits no longer for an answer. */
  readonly patienceMs: number;
}

/** Clients that contend for the same few instances, and write down what they ask and are told. */
export interface Contention {
  /** How many operations were answered so far. */
  answered(): number;
  /** Ends it, once every client has its last answer. @returns the history of each service */
  stop(): Promise<ReadonlyMap<string, readonly ServiceOperation[]>>;
}

/** Starts {@link Contention}. What clients do is the same for the same seed; when they do it is not. */
export function startContention(options: ContentionOptions): Contention {
  const histories = new Map<string, ServiceOperation[]>();
  for (let n = 0; n < options.services; n++) histories.set(`contended-${n}`, []);
  const ending = new AbortController();
  const clients = Array.from({ length: options.clients }, (_, number) =>
    new Client(options, number, histories).run(ending.signal),
  );
  const all = Promise.all(clients);
  // Whoever stops it hears of a failure; it is not unhandled before.
  all.catch(() => undefined);
  return {
    answered: () => [...histories.values()].flat().filter(({ output }) => output !== undefined).length,
    async stop() {
      ending.abort();
      await all;
      return new Map([...histories].map(([service, history]) => [service, withUnseenTokensAlike(history)]));
    },
  };
}

class Client {
  private readonly random: () => number;
  /** The version and token that it was told last, by `service/instanceId`. */
  private readonly known = new Map<string, { readonly version: number; readonly token: string }>();

  constructor(
    private readonly options: ContentionOptions,
    private readonly number: number,
    private readonly histories: ReadonlyMap<string, ServiceOperation[]>,
  ) {
    this.random = seeded(options.seed * 1_000 + number);
  }

  async run(ending: AbortSignal): Promise<void> {
    for (let n = 0; !ending.aborted; n++) await this.operate(n);
  }

  private async operate(n: number): Promise<void> {
    const { apis, patienceMs } = this.options;
    const node = this.pick(apis.length);
    const service = [...this.histories.keys()][this.pick(this.histories.size)]!;
    const input = this.chosen(service, `${this.number}.${n}`);
    const calledAt = performance.now();
    const outcome = await perform(apis[node]!, service, input, AbortSignal.timeout(patienceMs));
    if (outcome === 'failed') return;
    const output = outcome === 'unknown' ? undefined : outcome.output;
    if (output && 'instance' in output) this.known.set(`${service}/${output.instance.instanceId}`, output.instance);
    this.histories.get(service)!.push({
      client: `client ${this.number} at node ${node}`,
      input,
      output,
      calledAt,
      returnedAt: output === undefined ? Infinity : performance.now(),
    });
  }

  private chosen(service: string, newToken: string): ServiceInput {
    const instanceId = `i-${this.pick(this.options.instancesPerService)}`;
    const known = this.known.get(`${service}/${instanceId}`);
    const ifMatch = this.pick(2) ? known?.version : undefined;
    // Sometimes what it said before: then nothing may change, if it is so still.
    const token = known && this.pick(5) === 0 ? known.token : newToken;
    const choices: readonly ServiceInput[] = [
      { kind: 'register', instanceId, token },
      { kind: 'register', instanceId, token, mustBeNew: true },
      { kind: 'register', instanceId, token, ifMatch },
      { kind: 'patch', instanceId, token, ifMatch },
      { kind: 'patch', instanceId, token, ifMatch },
      { kind: 'deregister', instanceId, ifMatch },
      { kind: 'read-one', instanceId },
      { kind: 'read-all' },
      { kind: 'read-all', by: 'search' },
      { kind: 'read-all', by: 'search' },
      { kind: 'count' },
      { kind: 'count', by: 'search' },
    ];
    return choices[this.pick(choices.length)]!;
  }

  private pick(choices: number): number {
    return Math.floor(this.random() * choices);
  }
}
