/** Holds the examples of `@Endpoint` until the document is finished. */
export const EXAMPLES_EXTENSION = 'x-examples';

/** Example values of one operation. Sent unchanged, in the order of the document, they succeed. */
export interface OperationExamples {
  readonly body?: unknown;
  /** By name of the path, query or header parameter. Parameters without an example are omitted in a trial. */
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly response?: unknown;
}

interface Media {
  example?: unknown;
}

interface Parameter {
  readonly name: string;
  readonly required?: boolean;
  description?: string;
  example?: unknown;
  schema?: { description?: string; example?: unknown };
}

/** The parts of an operation of the document that have examples. */
interface Operation {
  [EXAMPLES_EXTENSION]?: OperationExamples;
  parameters?: Parameter[];
  requestBody?: { content?: Record<string, Media> };
  responses?: Record<string, { content?: Record<string, Media> }>;
}

/** Moves the examples of every operation of a path to their places in OpenAPI. */
export function finishExamples(pathItem: object): void {
  for (const operation of Object.values(pathItem) as Operation[]) {
    const examples = operation[EXAMPLES_EXTENSION] ?? {};
    delete operation[EXAMPLES_EXTENSION];
    for (const parameter of operation.parameters ?? [])
      finishParameter(parameter, examples.parameters?.[parameter.name]);
    if (examples.body !== undefined) setExample(operation.requestBody?.content, examples.body);
    if (examples.response === undefined) continue;
    for (const [status, { content }] of Object.entries(operation.responses ?? {})) {
      if (status.startsWith('2')) setExample(content, examples.response);
    }
  }
}

/**
 * Only required parameters, and those for which the operation has an example, keep one: Swagger UI fills in every example, and
 * a request with all optional parameters makes no sense.
 */
function finishParameter(parameter: Parameter, example: unknown): void {
  const fallback = parameter.schema?.example;
  if (parameter.schema) delete parameter.schema.example;
  if (parameter.schema?.description === parameter.description) delete parameter.schema?.description;
  if (example !== undefined) parameter.example = example;
  else if (fallback === undefined) return;
  else if (parameter.required) parameter.example = fallback;
  else parameter.description = `${parameter.description ?? ''} Example: \`${asText(fallback)}\`.`.trim();
}

const asText = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

function setExample(content: Record<string, Media> | undefined, example: unknown): void {
  const media = content && Object.values(content)[0];
  if (media) media.example = example;
}
