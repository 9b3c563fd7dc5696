import { AsyncLocalStorage } from 'node:async_hooks';

/** How often (ms) requests that are refused for one reason are told of. */
export const TELL_EVERY_MS = 10_000;

/** Reasons that are told apart at a time; what comes beyond them is told by its code alone. */
const MOST_REASONS = 50;

/** Routes and requests that a line about many of them names. */
const MOST_ROUTES = 10;
const MOST_REQUESTS = 3;

/** A request that was refused, as its line tells it. */
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

/** What was not told yet of the requests that were refused for one reason. */
interface Untold {
  readonly sample: RefusedRequest;
  readonly sinceMs: number;
  readonly routes: Map<string, number>;
  readonly requestIds: string[];
  count: number;
}

/**
 * The lines of requests that are refused because of the service's own state: while a database is away each request would
 * make one, thousands a second. The first of each reason has a line of its own; those that come within the next seconds are
 * counted, and told of in one line.
 */
export class RefusalLines {
  private readonly untold = new Map<string, Untold>();
  private timer: NodeJS.Timeout | undefined;
  /** A line about many requests must not have the id and the actor of the one that came first. */
  private readonly outsideRequests = AsyncLocalStorage.snapshot();

  constructor(
    private readonly write: WriteLine,
    private readonly everyMs = TELL_EVERY_MS,
  ) {}

  /** Notes a refused request. @returns whether it is the first for its reason, and is to have a line of its own */
  isFirst(request: RefusedRequest): boolean {
    const reason = this.reasonOf(request);
    const known = this.untold.get(reason);
    if (known) {
      add(known, request);
      return false;
    }
    this.untold.set(reason, nothingYet(request));
    this.timer ??= setInterval(() => this.outsideRequests(() => this.tell()), this.everyMs).unref();
    return true;
  }

  /** Tells of all that were counted since the last time. */
  tell(): void {
    for (const [reason, found] of this.untold) {
      if (found.count === 0) this.untold.delete(reason);
      else {
        this.write(fieldsOf(found), textOf(found));
        this.untold.set(reason, nothingYet(found.sample));
      }
    }
    if (this.untold.size > 0) return;
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private reasonOf({ status, code, because }: RefusedRequest): string {
    const reason = `${status} ${code} ${because}`;
    return this.untold.has(reason) || this.untold.size < MOST_REASONS ? reason : `${status} ${code}`;
  }
}

/** What is to be told of a request: `503 STORE_UNAVAILABLE because of ECONNREFUSED`. */
export function refusalText({ status, code, because }: Pick<RefusedRequest, 'status' | 'code' | 'because'>): string {
  return [`${status}`, code, because === undefined ? undefined : `because of ${because}`]
    .filter(part => part !== undefined)
    .join(' ');
}

const nothingYet = (sample: RefusedRequest): Untold => ({
  sample,
  sinceMs: performance.now(),
  routes: new Map(),
  requestIds: [],
  count: 0,
});

function add(untold: Untold, { requestId, method, route }: RefusedRequest): void {
  const { routes, requestIds } = untold;
  untold.count++;
  const name = `${method} ${route}`;
  if (routes.has(name) || routes.size < MOST_ROUTES) routes.set(name, (routes.get(name) ?? 0) + 1);
  if (requestIds.length < MOST_REQUESTS) requestIds.push(requestId);
}

const fieldsOf = ({ sample: { status, code, because }, count, routes, requestIds }: Untold): object => ({
  context: 'Http',
  status,
  ...(code !== undefined && { code }),
  ...(because !== undefined && { because }),
  count,
  routes: Object.fromEntries(routes),
  requestIds,
});

function textOf({ sample, count, sinceMs }: Untold): string {
  const seconds = Math.max(1, Math.round((performance.now() - sinceMs) / 1_000));
  const requests = count === 1 ? 'request was' : 'requests were';
  return `${count} more ${requests} answered ${refusalText(sample)} within ${seconds} s`;
}
