import { setTimeout as delay } from 'node:timers/promises';
import { EventSourceParserStream } from 'eventsource-parser/stream';
import { type Api } from '../http/api.js';
import { seeded } from '../http/mixed-load.js';
import { type WatchConnection, type WatchFrame } from './watch-record.js';

export const WATCH = '/api/v1/discovery/watch';

/** How long (ms) a watcher rests before it tries again where it was refused. */
const RETRY_MS = 50;

/** How a watch begins: anew, or after an id that is given in the header (as browsers do) or as a parameter. */
export interface WatchStart {
  readonly after?: number;
  readonly in?: 'header' | 'since';
}

/** Opens a watch and gives what it tells, as it comes; it ends when the server ends it, or by the signal. */
export async function* openWatch(
  api: Api,
  query: string,
  { after, in: place = 'header' }: WatchStart,
  signal: AbortSignal,
): AsyncGenerator<WatchFrame> {
  const parameters = new URLSearchParams(query);
  if (after !== undefined && place === 'since') parameters.set('since', String(after));
  const headers = { ...(after !== undefined && place === 'header' && { 'last-event-id': String(after) }) };
  const response = await fetch(`${api.url}${WATCH}?${parameters.toString()}`, { headers, signal });
  if (response.status !== 200 || !response.body) throw new WatchRefused(response.status, await response.text());
  const stream = response.body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
  for await (const { id, event = 'message', data } of stream) yield { id, event, data: JSON.parse(data) };
}

/** A watch that was not opened. */
export class WatchRefused extends Error {
  constructor(
    readonly status: number,
    text: string,
  ) {
    super(`The watch was answered ${status}: ${text}`);
  }

  /** Whether another try makes sense. */
  get isPassing(): boolean {
    return this.status === 503 || this.status === 429;
  }
}

export interface RecordingOptions {
  /** Nodes, of which each connection goes to one. */
  readonly apis: readonly Api[];
  readonly query: string;
  readonly seed: number;
  /** How long (ms) a connection lives at most before the watcher cuts it; absent: it lives on. */
  readonly livesMs?: number;
}

/** A watcher that writes down all that it is told, is cut off at random, and resumes where it was, wherever it can. */
export class RecordingWatcher {
  private readonly records: { resumedAfter: number | undefined; frames: WatchFrame[] }[] = [];
  private readonly ending = new AbortController();
  private readonly random: () => number;
  private lastId: number | undefined;
  private readonly running: Promise<void>;
  private failure: unknown;
  private lastTrouble = 'none';

  private constructor(private readonly options: RecordingOptions) {
    this.random = seeded(options.seed);
    this.running = this.run();
  }

  static start(options: RecordingOptions): RecordingWatcher {
    return new RecordingWatcher(options);
  }

  get query(): string {
    return this.options.query;
  }

  /** What it was told, connection by connection. */
  get connections(): readonly WatchConnection[] {
    return this.records;
  }

  /** The revision up to which it was told everything. */
  get position(): number {
    if (this.failure) throw this.failure;
    return this.lastId ?? -1;
  }

  /** How it stands, for people. */
  describe(): string {
    const last = this.records.at(-1);
    return (
      `"${this.query}" is at ${this.lastId ?? 'no revision'} after ${this.records.length} connections, of which the last ` +
      `resumed after ${last?.resumedAfter ?? 'nothing'} and was told ${last?.frames.length ?? 0} events, ` +
      `the last one ${last?.frames.at(-1)?.event ?? 'none'}; last trouble: ${this.lastTrouble}`
    );
  }

  /** How often it was told to begin anew. */
  get resets(): number {
    return this.records.flatMap(({ frames }) => frames).filter(({ event }) => event === 'reset').length;
  }

  async stop(): Promise<void> {
    this.ending.abort();
    await this.running;
    if (this.failure) throw this.failure;
  }

  private async run(): Promise<void> {
    while (!this.ending.signal.aborted && !this.failure) {
      const life = new AbortController();
      const { livesMs } = this.options;
      const timer = livesMs === undefined ? undefined : setTimeout(() => life.abort(), this.random() * livesMs);
      await this.connect(AbortSignal.any([life.signal, this.ending.signal]));
      clearTimeout(timer);
    }
  }

  private async connect(signal: AbortSignal): Promise<void> {
    const { apis, query } = this.options;
    const api = apis[Math.floor(this.random() * apis.length)]!;
    const record = { resumedAfter: this.lastId, frames: [] as WatchFrame[] };
    const start: WatchStart = { after: this.lastId, in: this.random() < 0.5 ? 'header' : 'since' };
    this.records.push(record);
    try {
      for await (const frame of openWatch(api, query, start, signal)) {
        record.frames.push(frame);
        this.lastId = frame.event === 'reset' ? undefined : Number(frame.id);
      }
    } catch (error) {
      if (signal.aborted) return;
      const { message, cause } = error as Error;
      this.lastTrouble = cause instanceof Error ? `${message}: ${cause.message}` : message;
      const isPassing = error instanceof WatchRefused ? error.isPassing : error instanceof TypeError;
      if (!isPassing) this.failure = error;
    }
    await delay(RETRY_MS, undefined, { signal }).catch(() => undefined);
  }
}
