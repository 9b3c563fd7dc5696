import { hash } from 'node:crypto';
import { type RepeatableCall } from '@coordination/context';
import { canonicalJson } from '@coordination/kernel';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { restoreTags } from './etag.js';
import { idempotencyKeyOf } from './request-headers.js';

/** Methods that change nothing, and so need no key. */
const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * What makes a request safe to send again, if its caller sent an `Idempotency-Key`.
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
   * Everything that the effect depends on, also the preconditions and the reason, which the log keeps. In canonical form:
   * another order of keys or parameters is no other request. Not before the body has been read.
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
