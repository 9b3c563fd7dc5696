import { type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { type DomainError } from '@coordination/kernel';
import { type FastifyInstance, type FastifyRequest } from 'fastify';
import { PayloadTooLargeError, UnsupportedEncodingError, UnsupportedMediaTypeError } from '../problems/http.errors.js';
import { acceptedMediaTypes, JSON_MEDIA_TYPE, MERGE_PATCH_MEDIA_TYPE } from '../requests/media-types.js';
import { ANY_MEDIA_TYPE, type BodyParser } from '../routing/wire-protocol.js';
import { collectBody } from './collect-body.js';
import { parseJsonBody } from './json-body.js';

type Done = (error: Error | null, body?: unknown) => void;

const JSON_TYPE = /^\s*application\/(?:merge-patch\+)?json\s*(?:;|$)/i;

/**
 * Removes the `Content-Type` of a request that has no content, or may turn out to have none: `curl -d ''` sends a type, and so
 * do clients that always send one. The type is then no reason to refuse the request.
 */
export function forgetTypeOfNothing(headers: IncomingHttpHeaders): void {
  const type = headers['content-type'];
  if (type === undefined) return;
  const hasLength = headers['transfer-encoding'] === undefined;
  // Whether a chunked body is empty shows when it is read; an unsupported type would be refused before that.
  if (hasLength ? Number(headers['content-length'] ?? 0) === 0 : !JSON_TYPE.test(type)) {
    headers['content-type'] = undefined;
  }
}

/**
 * Reads JSON bodies, and what the protocol of the route has parsers for. An empty body is none, whatever its type and
 * encoding.
 */
export function addBodyParsers(instance: FastifyInstance): void {
  instance.decorate('requestBodies', null);
  instance.removeAllContentTypeParsers();
  for (const mediaType of [JSON_MEDIA_TYPE, MERGE_PATCH_MEDIA_TYPE]) {
    instance.addContentTypeParser(mediaType, (request: FastifyRequest, payload: IncomingMessage, done: Done) => {
      readTyped(request, payload, mediaType, parserOf(request, mediaType) ?? parseJsonBody, done);
    });
  }
  instance.addContentTypeParser('*', (request: FastifyRequest, payload: IncomingMessage, done: Done) => {
    const mediaType = mediaTypeOf(request);
    const parser = parserOf(request, mediaType);
    if (parser) readTyped(request, payload, mediaType, parser, done);
    else refuseContent(request, payload, done);
  });
}

/** The parser that the protocol of the route has for a media type. */
function parserOf({ endpoint }: FastifyRequest, mediaType: string): BodyParser | undefined {
  const parsers = endpoint?.protocol?.bodyParsers;
  if (!parsers) return undefined;
  return Object.hasOwn(parsers, mediaType) ? parsers[mediaType] : parsers[ANY_MEDIA_TYPE];
}

/** Why a body cannot be read, as far as its headers tell. */
function complaintAboutForm(request: FastifyRequest, mediaType: string): DomainError | undefined {
  const accepted = acceptedMediaTypes(request);
  if (!accepted.includes(mediaType) && !accepted.includes(ANY_MEDIA_TYPE)) {
    return new UnsupportedMediaTypeError(mediaType, accepted);
  }
  const encoding = request.headers['content-encoding'];
  const isPlain = encoding === undefined || encoding.toLowerCase() === 'identity';
  return isPlain ? undefined : new UnsupportedEncodingError(encoding);
}

function readTyped(
  request: FastifyRequest,
  payload: IncomingMessage,
  mediaType: string,
  parser: BodyParser,
  done: Done,
): void {
  collectBody(request, payload, (error, bytes) => {
    const complaint = error ?? (bytes.length === 0 ? null : complaintAboutForm(request, mediaType));
    if (complaint) done(complaint);
    else if (bytes.length === 0) done(null);
    else readInTurn(request, bytes, parser, done);
  });
}

/**
 * Why a body will be refused, as far as the headers show: the error that the parsers return after the first byte. For
 * clients that wait for `100 Continue`.
 */
export function complaintAboutHead(request: FastifyRequest): DomainError | undefined {
  const mediaType = mediaTypeOf(request);
  if (!JSON_TYPE.test(mediaType) && !parserOf(request, mediaType)) {
    return new UnsupportedMediaTypeError(typeAsSent(request.raw), acceptedMediaTypes(request));
  }
  const { bodyLimit } = request.routeOptions;
  if (bodyLimit !== undefined && Number(request.headers['content-length']) > bodyLimit) {
    return new PayloadTooLargeError(bodyLimit);
  }
  return complaintAboutForm(request, mediaType);
}

/** Refuses a body of another type, or without one, at its first byte. */
function refuseContent(request: FastifyRequest, payload: IncomingMessage, done: Done): void {
  const settle = (error: Error | null) => {
    payload.off('data', refuse).off('end', accept).off('error', settle);
    done(error);
  };
  const accept = () => settle(null);
  const refuse = () => {
    settle(new UnsupportedMediaTypeError(typeAsSent(request.raw), acceptedMediaTypes(request)));
  };
  payload.on('data', refuse).on('end', accept).on('error', settle);
}

/** The `Content-Type` as the client sent it, before {@link forgetTypeOfNothing} removed it. */
function typeAsSent({ rawHeaders }: IncomingMessage): string | undefined {
  const at = rawHeaders.findIndex((text, n) => n % 2 === 0 && text.toLowerCase() === 'content-type');
  return at === -1 ? undefined : rawHeaders[at + 1];
}

/** The media type that a request names, without parameters; empty if it names none. */
function mediaTypeOf({ raw }: FastifyRequest): string {
  const [essence = ''] = (typeAsSent(raw) ?? '').split(';');
  return essence.trim().toLowerCase();
}

/** Larger bodies are parsed one after the other: a parser cannot be interrupted. */
const LARGE_BODY_BYTES = 64 * 1024;

/** Parses a body; a large one when no other is between its parser and what carries the request out. */
function readInTurn(request: FastifyRequest, bytes: Buffer, parser: BodyParser, done: Done): void {
  const { requestPlaces } = request.server;
  if (bytes.length <= LARGE_BODY_BYTES || !requestPlaces) return readInSlice(request, bytes, parser, done);
  void requestPlaces.before(request, 'body', error => {
    if (error) done(error);
    else readInSlice(request, bytes, parser, done);
  });
}

function readInSlice(request: FastifyRequest, bytes: Buffer, parser: BodyParser, done: Done): void {
  const { requestBodies } = request.server;
  const parse = () => readBody(bytes, parser, done);
  if (requestBodies) void requestBodies.parse(request, bytes, parse);
  else parse();
}

function readBody(bytes: Buffer, parser: BodyParser, done: Done): void {
  let body: unknown;
  try {
    body = parser(bytes);
  } catch (error) {
    done(error as Error);
    return;
  }
  done(null, body);
}
