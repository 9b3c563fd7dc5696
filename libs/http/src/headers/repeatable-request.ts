import { hash } from 'node:crypto';
import { type RepeatableCall } from '@coordination/context';
import { canonicalJson } from '@coordination/kernel';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { restoreTags } from './etag.js';
import { idempotencyKeyOf } from './request-headers.js';

/** Methods that change nothing, and therefore need no key. */
const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * The repeatable call of a request with an `Idempotency-Key`; undefined without one.
 * @throws ValidationFailedError when the key cannot be one
 */
export function repeatableCallOf(request: FastifyRequest, reply: FastifyReply): RepeatableCall | undefined {
  if (SAFE_METHODS.has(request.method)) return undefined;
  const key = idempotencyKeyOf(request.headers['idempotency-key']);
  return key === undefined ? undefined : new RepeatableRequest(key, request, reply);
}

class RepeatableRequest implements RepeatableCall {
  private computed: string | undefined;

  constructor(
    readonly key: string,
    private readonly request: FastifyRequest,
    private readonly reply: FastifyReply,
  ) {}

  /**
   * A hash of everything that the effect depends on, including the preconditions and the reason, which the log keeps. It is
   * canonical: the order of keys and parameters does not matter. It must not be read before the body has been parsed.
   */
  get fingerprint(): string {
    return (this.computed ??= this.computeFingerprint());
  }

  private computeFingerprint(): string {
    const { method, endpoint, params, query, body, headers } = this.request;
    const asked = {
      method,
      route: endpoint?.url,
      params,
      query,
      body,
      ifMatch: headers['if-match'] === undefined ? undefined : restoreTags(headers['if-match']),
      ifNoneMatch: headers['if-none-match'],
      reason: headers['x-change-reason'],
    };
    return hash('sha256', canonicalJson(asked), 'base64url');
  }

  noteReplay(): void {
    void this.reply.header('Idempotency-Replayed', 'true');
  }
}
