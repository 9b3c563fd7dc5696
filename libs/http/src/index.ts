export { openApiJson, openApiYaml, serveApiDocs, type ApiDocsOptions } from './api-docs.js';
export { CompressedForm } from './compression/compressed-form.js';
export { configureHttp } from './configure-http.js';
export {
  PLAIN_RESPONSE_HEADERS,
  RESPONSE_HEADERS,
  type RequestHeader,
  type ResponseHeader,
} from './documented-headers.js';
export { endHead } from './end-head.js';
export {
  describedHeaders,
  Endpoint,
  LARGE_BODY_LIMIT_BYTES,
  PossibleProblems,
  type EndpointOptions,
  type SuccessOptions,
} from './endpoint.decorator.js';
export { formatETag, matchesNone, parseIfMatch, parseIfNoneMatch, type IfMatch, type IfNoneMatch } from './etag.js';
export { listenAddresses } from './further-addresses.js';
export { createHttpAdapter, DEFAULT_BODY_LIMIT_BYTES, type AdapterOptions, type HttpAdapter } from './http-adapter.js';
export { LastEventIdHeader } from './last-event-id.decorator.js';
export { assertCanListen, listenError, otherOnLocalhost, type ListenPlace } from './listen-address.js';
export { JSON_MEDIA_TYPE, MERGE_PATCH_MEDIA_TYPE } from './media-types.js';
export { errorReferenceMarkdown } from './error-reference.js';
export { buildOpenApiDocument, type ApiDescription } from './openapi-document.js';
export { type GuideOptions } from './pages/guides.js';
export { type OperationExamples } from './openapi-examples.js';
export { textOf } from './openapi-schemas.js';
export { IfMatchHeader, IfNoneMatchHeader } from './precondition.decorators.js';
export { describeProblem, PROBLEM_MEDIA_TYPE, ProblemView, type Problem } from './problem.js';
export { ProblemFilter } from './problem.filter.js';
export { locationOf } from './own-links.js';
export { queryCommaList, queryCursor, queryInteger, queryList, revisionNumber } from './query.schemas.js';
export { RequestValidationPipe } from './request-validation.pipe.js';
export { readableText } from './text.schemas.js';
export { patchView } from './json-patch.schema.js';
