export { openApiJson, openApiYaml, serveApiDocs, type ApiDocsOptions } from './openapi/api-docs.js';
export { CompressedForm } from './compression/compressed-form.js';
export { configureHttp } from './server/configure-http.js';
export {
  PLAIN_RESPONSE_HEADERS,
  RESPONSE_HEADERS,
  type RequestHeader,
  type ResponseHeader,
} from './openapi/documented-headers.js';
export { endHead } from './server/end-head.js';
export {
  describedHeaders,
  Endpoint,
  LARGE_BODY_LIMIT_BYTES,
  PossibleProblems,
  type EndpointOptions,
  type SuccessOptions,
} from './routing/endpoint.decorator.js';
export {
  formatETag,
  matchesNone,
  parseIfMatch,
  parseIfNoneMatch,
  type IfMatch,
  type IfNoneMatch,
} from './requests/etag.js';
export { listenAddresses } from './server/further-addresses.js';
export {
  createHttpAdapter,
  DEFAULT_BODY_LIMIT_BYTES,
  type AdapterOptions,
  type HttpAdapter,
} from './server/http-adapter.js';
export { parseJsonBody } from './body/json-body.js';
export { LastEventIdHeader } from './requests/last-event-id.decorator.js';
export { assertCanListen, listenError, otherOnLocalhost, type ListenPlace } from './server/listen-address.js';
export { JSON_MEDIA_TYPE, MERGE_PATCH_MEDIA_TYPE } from './requests/media-types.js';
export { errorReferenceMarkdown } from './problems/error-reference.js';
export { buildOpenApiDocument, type ApiDescription } from './openapi/openapi-document.js';
export { type GuideOptions } from './pages/guides.js';
export { type OperationExamples } from './openapi/openapi-examples.js';
export { textOf } from './openapi/openapi-schemas.js';
export { POSITION_HEADERS, setPosition } from './requests/position-headers.js';
export { IfMatchHeader, IfNoneMatchHeader } from './requests/precondition.decorators.js';
export { describeProblem, PROBLEM_MEDIA_TYPE, ProblemView, type Problem } from './problems/problem.js';
export { ProblemFilter } from './problems/problem.filter.js';
export { locationOf } from './links/own-links.js';
export { queryCommaList, queryCursor, queryInteger, queryList, revisionNumber } from './requests/query.schemas.js';
export { OwnErrorBody } from './routing/own-error-body.decorator.js';
export { UseProtocol } from './routing/use-protocol.decorator.js';
export {
  ANY_MEDIA_TYPE,
  type BodyParser,
  type ErrorResponse,
  type FailedCall,
  type WireProtocol,
} from './routing/wire-protocol.js';
export { RequestValidationPipe } from './requests/request-validation.pipe.js';
export { readableText } from './requests/text.schemas.js';
export { patchView } from './openapi/json-patch.schema.js';
export { clientDisconnect } from './requests/client-disconnect.js';
