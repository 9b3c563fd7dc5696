import { NestFactory } from '@nestjs/core';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { readSettings } from '@coordination/config';
import { buildOpenApiDocument, createHttpAdapter } from '@coordination/http';
import { createLogger } from '@coordination/observability';
import { API_DESCRIPTION } from './api-description.js';
import { AppModule } from '../app.module.js';

/** Builds the OpenAPI document for docs/openapi.json, without a database and without starting the service. */
export async function describeApi(): Promise<ReturnType<typeof buildOpenApiDocument>> {
  const settings = readSettings({ DATABASE_URL: 'postgres://nowhere.invalid/preview' });
  const app = await NestFactory.create<NestFastifyApplication>(
    AppModule.forRoot(settings, { url: settings.DATABASE_URL ?? '', embedded: false }, createLogger(settings)),
    createHttpAdapter(settings),
    { preview: true, logger: false, abortOnError: false },
  );
  return buildOpenApiDocument(app, API_DESCRIPTION);
}
