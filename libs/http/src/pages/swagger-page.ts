import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { type GuideOptions } from './guides.js';
import { documentOf, escapeHtml, navigation } from './html.js';

/** The files of Swagger UI that the page needs; no other file of the package is served. */
export const SWAGGER_UI_FILES = ['swagger-ui-bundle.js', 'swagger-ui.css', 'favicon-16x16.png', 'favicon-32x32.png'];

/** A dependency of @nestjs/swagger. */
export function swaggerUiDirectory(): string {
  const nestSwagger = createRequire(import.meta.url).resolve('@nestjs/swagger');
  return dirname(createRequire(nestSwagger).resolve('swagger-ui-dist/package.json'));
}

/** The page at /docs: links to the other documentation, and Swagger UI. It has no inline scripts and styles. */
export function swaggerPage(title: string, guides: GuideOptions['main']): string {
  const head =
    '<link rel="stylesheet" href="docs/swagger-ui.css"><link rel="stylesheet" href="docs/docs.css">' +
    '<link rel="icon" type="image/png" href="docs/favicon-32x32.png" sizes="32x32">' +
    '<link rel="icon" type="image/png" href="docs/favicon-16x16.png" sizes="16x16">';
  const links = {
    documents: '<a href="openapi.json">OpenAPI (JSON)</a><a href="openapi.yaml">OpenAPI (YAML)</a>',
    guides: guides
      .map(({ name, about }) => `<a href="docs/guides/${name}" title="${escapeHtml(about)}">${name}</a>`)
      .join(''),
  };
  const body =
    `${navigation('docs', 'docs/', links)}<div id="swagger-ui"></div>` +
    '<script src="docs/swagger-ui-bundle.js"></script><script src="docs/swagger-ui-init.js"></script>';
  return documentOf(title, head, body);
}
