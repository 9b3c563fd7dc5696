export { CompressedForm } from './compression/compressed-form.js';
export { locationOf } from './links/own-links.js';
export { type ApiDocsOptions, openApiJson, openApiYaml, serveApiDocs } from './openapi/api-docs.js';
export {
  PLAIN_RESPONSE_HEADERS,
  RESPONSE_HEADERS,
  type RequestHeader,
  type ResponseHeader,
} from './openapi/documented-headers.js';
export { patchView } from './openapi/json-patch.schema.js';
export { type ApiDescription, buildOpenApiDocument } from './openapi/openapi-document.js';
export { type OperationExamples } from './openapi/openapi-examples.js';
export { textOf } from './openapi/openapi-schemas.js';
export { type GuideOptions } from './pages/guides.js';
export { errorReferenceMarkdown } from './problems/error-reference.js';
export { ProblemFilter } from './problems/problem.filter.js';
export { PROBLEM_MEDIA_TYPE, type Problem, ProblemView, describeProblem } from './problems/problem.js';
export { clientDisconnect } from './requests/client-disconnect.js';
export {
  type IfMatch,
  type IfNoneMatch,
  formatETag,
  matchesNone,
  parseIfMatch,
  parseIfNoneMatch,
} from './requests/etag.js';
export { LastEventIdHeader } from './requests/last-event-id.decorator.js';
export { JSON_MEDIA_TYPE, MERGE_PATCH_MEDIA_TYPE } from './requests/media-types.js';
export { IfMatchHeader, IfNoneMatchHeader } from './requests/precondition.decorators.js';
export { queryCommaList, queryCursor, queryInteger, queryList, revisionNumber } from './requests/query.schemas.js';
export { RequestValidationPipe } from './requests/request-validation.pipe.js';
export { readableText } from './requests/text.schemas.js';
export {
  Endpoint,
  type EndpointOptions,
  LARGE_BODY_LIMIT_BYTES,
  PossibleProblems,
  type SuccessOptions,
  describedHeaders,
} from './routing/endpoint.decorator.js';
export { configureHttp } from './server/configure-http.js';
export { endHead } from './server/end-head.js';
export { listenAddresses } from './server/further-addresses.js';
export {
  type AdapterOptions,
  DEFAULT_BODY_LIMIT_BYTES,
  type HttpAdapter,
  createHttpAdapter,
} from './server/http-adapter.js';
export { type ListenPlace, assertCanListen, listenError, otherOnLocalhost } from './server/listen-address.js';
