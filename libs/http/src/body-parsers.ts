import { type FastifyInstance, type FastifyRequest } from 'fastify';
import { UnsupportedEncodingError, UnsupportedMediaTypeError } from './http.errors.js';
import { parseJsonBody } from './json-body.js';
import { acceptedMediaTypes, JSON_MEDIA_TYPE, MERGE_PATCH_MEDIA_TYPE } from './media-types.js';

type Done = (error: Error | null, body?: unknown) => void;

/** Reads JSON bodies, and no others. */
export function addBodyParsers(instance: FastifyInstance): void {
  instance.removeAllContentTypeParsers();
  for (const mediaType of [JSON_MEDIA_TYPE, MERGE_PATCH_MEDIA_TYPE]) {
    instance.addContentTypeParser(
      mediaType,
      { parseAs: 'buffer' },
      (request: FastifyRequest, bytes: Buffer, done: Done) => {
        const accepted = acceptedMediaTypes(request.method);
        if (!accepted.includes(mediaType)) {
          done(new UnsupportedMediaTypeError(mediaType, accepted));
          return;
        }
        const encoding = request.headers['content-encoding'];
        if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
          done(new UnsupportedEncodingError(encoding));
          return;
        }
        readBody(bytes, done);
      },
    );
  }
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
