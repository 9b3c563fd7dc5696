import { type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { type DomainError } from '@coordination/kernel';
import { type FastifyInstance, type FastifyRequest } from 'fastify';
import { PayloadTooLargeError, UnsupportedEncodingError, UnsupportedMediaTypeError } from '../problems/http.errors.js';
import { parseJsonBody } from './json-body.js';
import { acceptedMediaTypes, JSON_MEDIA_TYPE, MERGE_PATCH_MEDIA_TYPE } from '../requests/media-types.js';

type Done = (error: Error | null, body?: unknown) => void;

const JSON_TYPE = /^\s*application\/(?:merge-patch\+)?json\s*(?:;|$)/i;

/**
 * Takes the `Content-Type` off a request that has no content, or may turn out to have none: `curl -d ''` names a type, and
 * so do clients that always name one. What it says is then no reason to refuse the request.
 */
export function forgetTypeOfNothing(headers: IncomingHttpHeaders): void {
  const type = headers['content-type'];
  if (type === undefined) return;
  const hasLength = headers['transfer-encoding'] === undefined;
  // Whether a chunked body is empty shows when it is read; a type that cannot be read would be refused before.
  if (hasLength ? Number(headers['content-length'] ?? 0) === 0 : !JSON_TYPE.test(type)) {
    headers['content-type'] = undefined;
  }
}

/** Reads JSON bodies, and no others. An empty body is none, whatever its type and encoding. */
export function addBodyParsers(instance: FastifyInstance): void {
  instance.removeAllContentTypeParsers();
  for (const mediaType of [JSON_MEDIA_TYPE, MERGE_PATCH_MEDIA_TYPE]) {
    instance.addContentTypeParser(
      mediaType,
      { parseAs: 'buffer' },
      (request: FastifyRequest, bytes: Buffer, done: Done) => {
        if (bytes.length === 0) {
          done(null);
          return;
        }
        const complaint = complaintAboutForm(request, mediaType);
        if (complaint) done(complaint);
        else readBody(bytes, done);
      },
    );
  }
  instance.addContentTypeParser('*', refuseContent);
}

/** Why a body cannot be read that is of a type that the service knows, as far as its headers tell. */
function complaintAboutForm({ method, headers }: FastifyRequest, mediaType: string): DomainError | undefined {
  const accepted = acceptedMediaTypes(method);
  if (!accepted.includes(mediaType)) return new UnsupportedMediaTypeError(mediaType, accepted);
  const encoding = headers['content-encoding'];
  const isPlain = encoding === undefined || encoding.toLowerCase() === 'identity';
  return isPlain ? undefined : new UnsupportedEncodingError(encoding);
}

/**
 * Why a body will be refused, as far as the headers of its request tell: what the parsers say as soon as the first byte
 * has come. For clients that ask before they send it.
 */
export function complaintAboutHead(request: FastifyRequest): DomainError | undefined {
  const { method, headers, routeOptions } = request;
  const type = typeAsSent(request.raw);
  const [essence = ''] = (type ?? '').split(';');
  const mediaType = essence.trim().toLowerCase();
  if (!JSON_TYPE.test(mediaType)) return new UnsupportedMediaTypeError(type, acceptedMediaTypes(method));
  const { bodyLimit } = routeOptions;
  if (bodyLimit !== undefined && Number(headers['content-length']) > bodyLimit) {
    return new PayloadTooLargeError(bodyLimit);
  }
  return complaintAboutForm(request, mediaType);
}

/** A body of another type, or of none, is refused at its first byte. */
function refuseContent(request: FastifyRequest, payload: IncomingMessage, done: Done): void {
  const settle = (error: Error | null) => {
    payload.off('data', refuse).off('end', accept).off('error', settle);
    done(error);
  };
  const accept = () => settle(null);
  const refuse = () => {
    settle(new UnsupportedMediaTypeError(typeAsSent(request.raw), acceptedMediaTypes(request.method)));
  };
  payload.on('data', refuse).on('end', accept).on('error', settle);
}

/** The `Content-Type` of a request from which it may have been taken off. */
function typeAsSent({ rawHeaders }: IncomingMessage): string | undefined {
  const at = rawHeaders.findIndex((text, n) => n % 2 === 0 && text.toLowerCase() === 'content-type');
  return at === -1 ? undefined : rawHeaders[at + 1];
}

function readBody(bytes: Buffer, done: Done): void {
  let body: unknown;
  try {
    body = parseJsonBody(bytes);
  } catch (error) {
    done(error as Error);
    return;
  }
  done(null, body);
}
