import { type OpenAPIObject } from '@nestjs/swagger';
import { type Api } from '../http/api.js';

const METHODS = ['get', 'put', 'post', 'delete', 'patch'] as const;

type Simple = string | number | boolean;

/** What the document says of one kind of answer. */
interface DocumentedResponse {
  readonly description: string;
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly content?: Readonly<Record<string, { readonly example?: unknown }>>;
}

/** The parts of an operation that somebody who presses "Try it out" sends. */
export interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly example?: Simple | readonly Simple[];
  }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly example?: unknown }>> };
  readonly responses: Readonly<Record<string, DocumentedResponse>>;
}

/** An operation at its place. */
export interface Trial {
  readonly path: string;
  readonly method: string;
  readonly operation: Operation;
}

/** A request that can be sent. */
export interface TrialRequest {
  readonly method: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** All operations in the order in which the document, and so Swagger UI, has them. */
export async function readTrials(api: Api): Promise<Trial[]> {
  const document = await api.ok<OpenAPIObject>('GET', '/openapi.json');
  return Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item)
      .filter(([method]) => (METHODS as readonly string[]).includes(method))
      .map(([method, operation]) => ({ path, method: method.toUpperCase(), operation: operation as Operation })),
  );
}

/** An operation as it is documented at this moment: ids that the server made meanwhile are in its examples. */
export async function readTrial(api: Api, operationId: string): Promise<Trial> {
  const trial = (await readTrials(api)).find(({ operation }) => operation.operationId === operationId);
  if (!trial) throw new Error(`The document has no operation ${operationId}.`);
  return trial;
}

/** The request that Swagger UI would send for an operation whose fields nobody has touched. */
export function requestOf({ path, method, operation }: Trial): TrialRequest {
  const headers: Record<string, string> = {};
  const query = new URLSearchParams();
  let target = path;
  for (const { name, in: place, example } of operation.parameters ?? []) {
    if (example === undefined) continue;
    if (place === 'path') target = target.replace(`{${name}}`, encodeURIComponent(String(example)));
    else if (place === 'header') headers[name] = String(example);
    else for (const value of [example].flat()) query.append(name, String(value));
  }
  const [mediaType, media] = Object.entries(operation.requestBody?.content ?? {})[0] ?? [];
  if (mediaType !== undefined) headers['content-type'] = mediaType;
  return {
    method,
    target: query.size > 0 ? `${target}?${query.toString()}` : target,
    headers,
    body: media?.example,
  };
}

/** Sends a request as it is, and gives back the answer unread. */
export const sendTrial = (api: Api, { method, target, headers, body }: TrialRequest): Promise<Response> =>
  fetch(api.url + target, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) });
