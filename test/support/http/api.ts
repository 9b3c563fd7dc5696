import { type InstanceRecord } from '@coordination/catalog';

/** An instance as the registry answers it. */
export interface LeasedView extends InstanceRecord {
  readonly health: InstanceRecord['health'] & {
    readonly lastCheckedAt?: string | null;
    readonly lastError?: object | null;
  };
  readonly lastSeenAt: string;
  readonly expiresAt: string | null;
}

/** A problem (RFC 9457) as this service answers it. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly requestId: string;
  readonly currentVersion?: number;
  readonly errors?: readonly { readonly path: string; readonly message: string }[];
}

/** What was answered; the body is undefined where there was none. */
export interface Answer<T> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: T;
  /** `x-catalog-revision` as a number; NaN where it is absent. */
  readonly revision: number;
}

type HeaderValues = Readonly<Record<string, string>>;

/** Path of all instances. */
export const INSTANCES = '/api/v1/registry/instances';

/** Path of an instance by its own name. */
export const named = (instanceId: string, service = 'orders'): string =>
  `/api/v1/registry/services/${service}/instances/${encodeURIComponent(instanceId)}`;

/** The check of instances whose lease outlasts the tests. */
export const LONG_LEASE = { kind: 'heartbeat', ttlSeconds: 3_600 };

/** Calls the service as any client would. */
export class Api {
  constructor(readonly url: string) {}

  /** Sends a request; a body that is a string goes as it is. The answer is not judged. */
  async send<T = Problem>(
    method: string,
    path: string,
    body?: unknown,
    headers: HeaderValues = {},
    signal?: AbortSignal,
  ): Promise<Answer<T>> {
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      ...(signal && { signal }),
    });
    const text = await response.text();
    const isJson = /[/+]json/.test(response.headers.get('content-type') ?? '');
    return {
      status: response.status,
      headers: response.headers,
      body: (text === '' ? undefined : isJson ? JSON.parse(text) : text) as T,
      revision: Number(response.headers.get('x-catalog-revision') ?? Number.NaN),
    };
  }

  get<T = Problem>(path: string, headers?: HeaderValues): Promise<Answer<T>> {
    return this.send<T>('GET', path, undefined, headers);
  }

  /**
   * Registers, and fails when that is not answered by 200 or 201. Where nothing is said of the check, it is
   * {@link LONG_LEASE}: a lease that ends on a slow machine would be a change that no test expects.
   */
  async register(body: object = {}, headers?: HeaderValues): Promise<LeasedView> {
    const usual = { service: 'orders', host: '10.0.0.1', port: 8080, check: LONG_LEASE };
    return this.ok('POST', INSTANCES, { ...usual, ...body }, headers);
  }

  /** The body of an answer that must be a success. */
  async ok<T = LeasedView>(method: string, path: string, body?: unknown, headers?: HeaderValues): Promise<T> {
    const answer = await this.send<T>(method, path, body, headers);
    if (answer.status >= 300) {
      throw new Error(`${method} ${path} was answered ${answer.status}: ${JSON.stringify(answer.body)}`);
    }
    return answer.body;
  }

  /** An instance with its signs of life. */
  read(id: string): Promise<LeasedView> {
    return this.ok('GET', `${INSTANCES}/${id}`);
  }
}
