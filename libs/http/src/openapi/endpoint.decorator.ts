import { applyDecorators, HttpCode, RequestMethod } from '@nestjs/common';
import { METHOD_METADATA, ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { RouteParamtypes } from '@nestjs/common/enums/route-paramtypes.enum.js';
import {
  ApiConsumes,
  ApiExtension,
  ApiHeader,
  ApiIncludeEndpoint,
  ApiOperation,
  ApiProduces,
  ApiResponse,
} from '@nestjs/swagger';
import { ERROR_CODES, type ErrorCode } from '@coordination/kernel';
import { type RequestClass } from '@coordination/scheduling';
import { type z } from 'zod';
import { IF_NEW, REQUEST_HEADERS, type RequestHeader, type ResponseHeader } from '../headers/documented-headers.js';
import { EXAMPLES_EXTENSION, type OperationExamples } from '../openapi/openapi-examples.js';
import { PROBLEM_MEDIA_TYPE } from '../problems/problem.js';
import { extendRouteConfig } from '../routing/extend-route-config.js';

/** The body limit of routes for many things at once; other routes have {@link DEFAULT_BODY_LIMIT_BYTES}. */
export const LARGE_BODY_LIMIT_BYTES = 1024 * 1024;

/** One kind of success. */
export interface SuccessOptions {
  readonly status: number;
  /** The body of the response; a 204 or 304 has none. */
  readonly response?: z.ZodType;
  readonly responseDescription?: string;
  readonly responseHeaders?: readonly ResponseHeader[];
  /** Media types of the response, unless it is only JSON. */
  readonly produces?: readonly string[];
}

/** The description of an operation in the OpenAPI document. */
export interface EndpointOptions extends SuccessOptions {
  /**
   * The class of the work. `heavy` and `long` requests wait for a place, before anything of them is read but their head. An
   * operation that is heavy only for some queries is `hot`, asks {@link RequestPlaces} itself, and declares `OVERLOADED`.
   */
  readonly work: RequestClass;
  /** Whether many clients send it at the same moment. Then it begins in a slice of the scheduler, as heavy and long work does. */
  readonly comesInBursts?: boolean;
  readonly summary: string;
  readonly description?: string;
  /** Unique, lowerCamelCase: generators of clients use it as the name of the method. */
  readonly operationId: string;
  /** Further successes, such as 200 beside 201, or 304. */
  readonly otherSuccesses?: readonly SuccessOptions[];
  /** Problems besides those of every operation. */
  readonly problems?: readonly ErrorCode[];
  readonly requestHeaders?: readonly RequestHeader[];
  /** Media types of the body, unless it is only application/json. */
  readonly consumes?: readonly string[];
  readonly bodyLimitBytes?: number;
  /** Values that succeed when they are sent unchanged, in the order of the document. */
  readonly examples?: OperationExamples;
}

/**
 * Declares the summary, the success and every possible problem of an operation, for the OpenAPI document and for the server,
 * which refuses a body or query if the handler takes none. It must be above `@Get`, `@Post` and the like.
 */
export function Endpoint(asked: EndpointOptions): MethodDecorator {
  const options = repeatableIfWrite(asked);
  return (target, key, descriptor: PropertyDescriptor) => {
    const takes = parametersOf(target, key);
    const { work, comesInBursts, bodyLimitBytes } = options;
    extendRouteConfig(descriptor.value as object, { ...takes, work, comesInBursts, bodyLimitBytes });
    const consumes = options.consumes ?? ['application/json'];
    const produces = options.produces ?? ['application/json'];
    applyDecorators(
      HttpCode(options.status),
      ApiIncludeEndpoint(),
      ApiOperation({
        operationId: options.operationId,
        summary: options.summary,
        ...(options.description !== undefined && { description: options.description }),
      }),
      ...(takes.takesBody ? [ApiConsumes(...consumes)] : []),
      ApiProduces(...produces),
      ...(options.requestHeaders ?? []).map(name => ApiHeader({ name, ...describedRequestHeader(name, options) })),
      ...[options, ...(options.otherSuccesses ?? [])].map(success),
      problemsOf(
        possibleProblems(options, takes.takesBody || isWrite(descriptor)),
        options.bodyLimitBytes !== undefined,
      ),
      ApiExtension(EXAMPLES_EXTENSION, options.examples ?? {}),
    )(target, key, descriptor);
  };
}

/**
 * An operation with the header for a reason is a write, and every write may have a key that makes it safe to repeat, so this
 * adds the header of the key. A write that takes its reason in the body names the header of the key itself.
 */
function repeatableIfWrite(options: EndpointOptions): EndpointOptions {
  const { requestHeaders = [] } = options;
  if (!requestHeaders.includes('X-Change-Reason') && !requestHeaders.includes('Idempotency-Key')) return options;
  return {
    ...replayed(options),
    requestHeaders: [...new Set<RequestHeader>([...requestHeaders, 'Idempotency-Key'])],
    otherSuccesses: options.otherSuccesses?.map(replayed),
    problems: [...(options.problems ?? []), 'IDEMPOTENCY_MISMATCH'],
  };
}

/** `If-None-Match` of an operation that can respond 304 differs from that of an operation that creates something. */
function describedRequestHeader(name: RequestHeader, { otherSuccesses = [] }: EndpointOptions) {
  const canBeCurrent = otherSuccesses.some(({ status }) => status === 304);
  return name === 'If-None-Match' && !canBeCurrent ? IF_NEW : REQUEST_HEADERS[name];
}

const replayed = <T extends SuccessOptions>(success: T): T => ({
  ...success,
  responseHeaders: [...(success.responseHeaders ?? []), 'Idempotency-Replayed'],
});

/** The problems that can occur with every operation. */
const ALWAYS_POSSIBLE = [
  'VALIDATION_FAILED',
  'REQUEST_TIMEOUT',
  'EXPECTATION_FAILED',
  'MISDIRECTED_REQUEST',
  'HEADERS_TOO_LARGE',
  'INTERNAL_ERROR',
] as const satisfies ErrorCode[];

/**
 * Declares problems of an operation for the OpenAPI document, besides those of every operation. `@Endpoint` includes it.
 */
export const PossibleProblems = (...codes: readonly ErrorCode[]): MethodDecorator => problemsOf(codes, false);

const problemsOf = (codes: readonly ErrorCode[], isForMany: boolean): MethodDecorator =>
  applyDecorators(
    ...byStatus([...new Set([...ALWAYS_POSSIBLE, ...codes])]).map(([status, ofStatus]) =>
      problems(status, ofStatus, isForMany),
    ),
  );

/** Problems with the current version of the instance. */
const WITH_VERSION: ReadonlySet<ErrorCode> = new Set(['VERSION_MISMATCH', 'ALREADY_REGISTERED', 'INCARNATION_ENDED']);

/** The parts of a request that a handler takes; parameter decorators run before method decorators. */
function parametersOf(target: object, key: string | symbol): { takesBody: boolean; takesQuery: boolean } {
  const parameters = (Reflect.getMetadata(ROUTE_ARGS_METADATA, target.constructor, key) ?? {}) as object;
  const has = (type: RouteParamtypes) => Object.keys(parameters).some(name => name.startsWith(`${type}:`));
  return { takesBody: has(RouteParamtypes.BODY), takesQuery: has(RouteParamtypes.QUERY) };
}

/** Bodies are read for all methods except GET. A method that is not known yet is GET. */
const isWrite = ({ value }: PropertyDescriptor): boolean =>
  (Reflect.getMetadata(METHOD_METADATA, value as object) ?? RequestMethod.GET) !== RequestMethod.GET;

function possibleProblems(options: EndpointOptions, readsBody: boolean): ErrorCode[] {
  const ofBodies: ErrorCode[] = ['MALFORMED_JSON', 'PAYLOAD_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE'];
  return [
    ...(readsBody ? ofBodies : []),
    ...(options.problems ?? []),
    ...(readsBody || mayBeRefused(options) ? (['OVERLOADED'] as const) : []),
  ];
}

/** Heavy and long work waits for a place before it begins, and so does the parsing of a large body; all bodies need room. */
const mayBeRefused = ({ work, bodyLimitBytes }: EndpointOptions): boolean =>
  work === 'heavy' || work === 'long' || bodyLimitBytes !== undefined;

function byStatus(codes: readonly ErrorCode[]): [number, ErrorCode[]][] {
  const groups = Map.groupBy<number, ErrorCode>(codes, code => ERROR_CODES[code].status);
  return [...groups].sort(([a], [b]) => a - b);
}

/** Response headers as references into the OpenAPI document. `@Endpoint` includes it. */
export const describedHeaders = (names: readonly ResponseHeader[] = []) =>
  Object.fromEntries([...names, 'X-Request-Id' as const].map(name => [name, { $ref: `#/components/headers/${name}` }]));

function success({ status, response, responseDescription, responseHeaders }: SuccessOptions): MethodDecorator {
  return ApiResponse({
    status,
    description: responseDescription ?? DEFAULT_DESCRIPTIONS[status] ?? 'Success.',
    headers: describedHeaders(responseHeaders),
    ...(response && { standardSchema: response }),
  });
}

const DEFAULT_DESCRIPTIONS: Readonly<Record<number, string>> = {
  200: 'Success.',
  201: 'Created.',
  204: 'No content.',
  304: 'Not modified: the content that the client has is still current.',
};

function problems(status: number, codes: readonly ErrorCode[], isForMany: boolean): MethodDecorator {
  const headers: ResponseHeader[] = [];
  if (status === 429 || status === 503) headers.push('Retry-After');
  if (!isForMany && codes.some(code => WITH_VERSION.has(code))) headers.push('ETag');
  return ApiResponse({
    status,
    description: codes.map(code => `${code}: ${ERROR_CODES[code].when}`).join('\n\n'),
    headers: describedHeaders(headers),
    content: {
      [PROBLEM_MEDIA_TYPE]: {
        schema: { $ref: '#/components/schemas/Problem' },
        examples: Object.fromEntries(codes.map(code => [code, { $ref: `#/components/examples/${code}` }])),
      },
    },
  });
}
