import { AsyncLocalStorage } from 'node:async_hooks';

/** How often (ms) the requests that were refused for one reason are summarized. */
export const SUMMARIZE_EVERY_MS = 10_000;

/** The most reasons that are distinguished; beyond that, requests are grouped by their code alone. */
const MOST_REASONS = 50;

/** The most routes and requests that a summary names. */
const MOST_ROUTES = 10;
const MOST_REQUESTS = 3;

/** A refused request, as it is logged. */
export interface RefusedRequest {
  readonly requestId: string;
  readonly method: string;
  readonly route: string;
  readonly status: number;
  readonly code?: string | undefined;
  readonly because?: string | undefined;
}

/** Takes one line. */
export type WriteLine = (fields: object, message: string) => void;

/** The requests that were refused for one reason since the last line. */
interface Unreported {
  readonly sample: RefusedRequest;
  readonly sinceMs: number;
  readonly routes: Map<string, number>;
  readonly requestIds: string[];
  count: number;
}

/**
 * The log lines of requests that are refused because of the state of the service: while a database is unavailable, each request
 * would cause one, thousands per second. The first of each reason has a line of its own; those of the next seconds are
 * counted, and summarized in one line.
 */
export class RefusalLines {
  private readonly unreported = new Map<string, Unreported>();
  private timer: NodeJS.Timeout | undefined;
  /** A summary must not have the id and the actor of the first request. */
  private readonly outsideRequests = AsyncLocalStorage.snapshot();

  constructor(
    private readonly write: WriteLine,
    private readonly everyMs = SUMMARIZE_EVERY_MS,
  ) {}

  /** Counts a refused request. @returns whether it is the first for its reason, and needs a line of its own */
  isFirst(request: RefusedRequest): boolean {
    const reason = this.reasonOf(request);
    const known = this.unreported.get(reason);
    if (known) {
      add(known, request);
      return false;
    }
    this.unreported.set(reason, noneYet(request));
    this.timer ??= setInterval(() => this.outsideRequests(() => this.summarize()), this.everyMs).unref();
    return true;
  }

  /** Writes the summaries of all requests since the last time. */
  summarize(): void {
    for (const [reason, found] of this.unreported) {
      if (found.count === 0) this.unreported.delete(reason);
      else {
        this.write(fieldsOf(found), textOf(found));
        this.unreported.set(reason, noneYet(found.sample));
      }
    }
    if (this.unreported.size > 0) return;
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private reasonOf({ status, code, because }: RefusedRequest): string {
    const reason = `${status} ${code} ${because}`;
    return this.unreported.has(reason) || this.unreported.size < MOST_REASONS ? reason : `${status} ${code}`;
  }
}

/** The text about a refused request: `503 STORE_UNAVAILABLE because of ECONNREFUSED`. */
export function refusalText({ status, code, because }: Pick<RefusedRequest, 'status' | 'code' | 'because'>): string {
  return [`${status}`, code, because === undefined ? undefined : `because of ${because}`]
    .filter(part => part !== undefined)
    .join(' ');
}

const noneYet = (sample: RefusedRequest): Unreported => ({
  sample,
  sinceMs: performance.now(),
  routes: new Map(),
  requestIds: [],
  count: 0,
});

function add(unreported: Unreported, { requestId, method, route }: RefusedRequest): void {
  const { routes, requestIds } = unreported;
  unreported.count++;
  const name = `${method} ${route}`;
  if (routes.has(name) || routes.size < MOST_ROUTES) routes.set(name, (routes.get(name) ?? 0) + 1);
  if (requestIds.length < MOST_REQUESTS) requestIds.push(requestId);
}

const fieldsOf = ({ sample: { status, code, because }, count, routes, requestIds }: Unreported): object => ({
  context: 'Http',
  status,
  ...(code !== undefined && { code }),
  ...(because !== undefined && { because }),
  count,
  routes: Object.fromEntries(routes),
  requestIds,
});

function textOf({ sample, count, sinceMs }: Unreported): string {
  const seconds = Math.max(1, Math.round((performance.now() - sinceMs) / 1_000));
  const requests = count === 1 ? 'request was' : 'requests were';
  return `${count} more ${requests} answered ${refusalText(sample)} within ${seconds} s`;
}
