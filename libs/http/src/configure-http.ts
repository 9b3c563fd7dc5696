import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { type Settings } from '@coordination/config';
import { ProblemFilter } from './problem.filter.js';
import { RequestValidationPipe } from './request-validation.pipe.js';

/** Headers of answers that scripts of allowed origins may read. */
const EXPOSED_HEADERS = [
  'ETag',
  'Location',
  'Retry-After',
  'X-Request-Id',
  'X-Catalog-Revision',
  'X-Catalog-Epoch',
  'X-Catalog-Staleness',
  'Idempotency-Replayed',
];

/** Gives an application whose adapter is from `createHttpAdapter` the checks, the errors and the CORS rules of this service. */
export function configureHttp(app: NestFastifyApplication, settings: Pick<Settings, 'PCS_CORS_ORIGINS'>): void {
  app.useGlobalFilters(new ProblemFilter());
  app.useGlobalPipes(new RequestValidationPipe());
  if (settings.PCS_CORS_ORIGINS.length > 0) {
    app.enableCors({
      origin: [...settings.PCS_CORS_ORIGINS],
      methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
      exposedHeaders: EXPOSED_HEADERS,
    });
  }
}
