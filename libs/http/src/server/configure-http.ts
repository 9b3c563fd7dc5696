import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { type Settings } from '@coordination/config';
import { Scheduler } from '@coordination/scheduling';
import { RESPONSE_HEADERS } from '../headers/documented-headers.js';
import { ProblemFilter } from '../problems/problem.filter.js';
import { RequestValidationPipe } from '../requests/request-validation.pipe.js';
import { type HttpAdapter } from './http-adapter.js';
import { isPreflight } from './preflight.js';
import { noteArrivals } from './server-events.js';

/** Response headers that scripts of allowed origins may read. */
const EXPOSED_HEADERS = Object.keys(RESPONSE_HEADERS);

/**
 * Adds the validation, the error responses and the CORS rules of this service to an application on `createHttpAdapter`.
 * @param scheduler learns of each request and connection, runs validations that take long, and closes connections that ended
 */
export function configureHttp(
  app: NestFastifyApplication,
  settings: Pick<Settings, 'PCS_CORS_ORIGINS'>,
  scheduler = new Scheduler(),
): void {
  const { hosts, connections } = app.getHttpAdapter() as unknown as HttpAdapter;
  noteArrivals(app.getHttpServer(), scheduler);
  connections.endInSteps(scheduler);
  app.useGlobalFilters(new ProblemFilter());
  app.useGlobalPipes(new RequestValidationPipe(scheduler));
  if (settings.PCS_CORS_ORIGINS.length === 0) return;
  app.enableCors({
    delegator: (request, callback) =>
      callback(null, {
        origin: [...settings.PCS_CORS_ORIGINS],
        methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
        exposedHeaders: EXPOSED_HEADERS,
        // Every other OPTIONS request is routed, and refused like any other request, with the headers of CORS.
        preflight: isPreflight(request) && !hosts.complaintAbout(request.raw),
      }),
  });
}
