import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { type Settings } from '@coordination/config';
import { RESPONSE_HEADERS } from '../openapi/documented-headers.js';
import { type HttpAdapter } from './http-adapter.js';
import { isPreflight } from './preflight.js';
import { ProblemFilter } from '../problems/problem.filter.js';
import { RequestValidationPipe } from '../requests/request-validation.pipe.js';

/** Headers of answers that scripts of allowed origins may read. */
const EXPOSED_HEADERS = Object.keys(RESPONSE_HEADERS);

/** Gives an application whose adapter is from `createHttpAdapter` the checks, the errors and the CORS rules of this service. */
export function configureHttp(app: NestFastifyApplication, settings: Pick<Settings, 'PCS_CORS_ORIGINS'>): void {
  app.useGlobalFilters(new ProblemFilter());
  app.useGlobalPipes(new RequestValidationPipe());
  if (settings.PCS_CORS_ORIGINS.length === 0) return;
  const { hosts } = app.getHttpAdapter() as unknown as HttpAdapter;
  app.enableCors({
    delegator: (request, callback) =>
      callback(null, {
        origin: [...settings.PCS_CORS_ORIGINS],
        methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
        exposedHeaders: EXPOSED_HEADERS,
        // Every other OPTIONS goes on, and is refused as any request would be, with the headers of CORS.
        preflight: isPreflight(request) && !hosts.complaintAbout(request.raw),
      }),
  });
}
