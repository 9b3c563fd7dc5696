export { serveApiDocs } from './openapi/api-docs.js';
export { readDocumentFiles, writeDocumentFiles } from './openapi/document-files.js';
export { type DocumentTexts, documentTexts, openApiJson, openApiYaml } from './openapi/document-texts.js';
export { CompressedForm } from './compression/compressed-form.js';
export { BytesUnderWay } from './sending/bytes-under-way.js';
export { configureHttp } from './server/configure-http.js';
export { HttpModule } from './http.module.js';
export { type LiveBody, sendLive } from './live/live-responses.js';
export { type ResponseHeader } from './headers/documented-headers.js';
export { ServerConnections } from './connections/server-connections.js';
export { endHead } from './server/end-head.js';
export {
  describedHeaders,
  Endpoint,
  LARGE_BODY_LIMIT_BYTES,
  PossibleProblems,
  type SuccessOptions,
} from './openapi/endpoint.decorator.js';
export { formatETag, matchesNone, parseIfNoneMatch, type IfMatch, type IfNoneMatch } from './headers/etag.js';
export { listenAddresses } from './connections/acceptors.js';
export { createHttpAdapter } from './server/http-adapter.js';
export { parseJsonBody } from './body/json-body.js';
export { LastEventIdHeader } from './headers/last-event-id.decorator.js';
export { assertCanListen, listenError, otherOnLocalhost } from './server/listen-address.js';
export { JSON_MEDIA_TYPE, MERGE_PATCH_MEDIA_TYPE } from './requests/media-types.js';
export { errorReferenceMarkdown } from './pages/error-reference.js';
export { buildOpenApiDocument, type ApiDescription } from './openapi/openapi-document.js';
export { type GuideOptions } from './pages/guides.js';
export { textOf } from './openapi/openapi-schemas.js';
export { POSITION_HEADERS, setPosition } from './headers/position-headers.js';
export { IfMatchHeader, IfNoneMatchHeader } from './headers/precondition.decorators.js';
export { locationOf } from './links/own-links.js';
export { queryCommaList, queryCursor, queryInteger, queryList, revisionNumber } from './requests/query.schemas.js';
export { clientNetworkOf } from './admission/client-network.js';
export { RequestPlaces } from './admission/request-places.js';
export { Work } from './admission/work.decorator.js';
export { OwnErrorBody } from './routing/own-error-body.decorator.js';
export { UseProtocol } from './routing/use-protocol.decorator.js';
export { ANY_MEDIA_TYPE, type WireProtocol } from './routing/wire-protocol.js';
export { readableText } from './requests/text.schemas.js';
export { JsonItems } from './sending/json-items.js';
export { KeptBodies, type KeptBody } from './answers/kept-bodies.js';
export { MAX_PAGE_BYTES, PageText } from './sending/page-text.js';
export { patchView } from './openapi/json-patch.schema.js';
export { clientDisconnect } from './requests/client-disconnect.js';
export { sendBody } from './sending/send-body.js';
export { SendingModule } from './sending/sending.module.js';
export { type MadeAnswer, type SharedAnswer, SharedAnswers } from './answers/shared-answers.js';
export { joinedIfSmall, lengthOf, SharedBody, sharedIfLarge } from './sending/shared-body.js';
