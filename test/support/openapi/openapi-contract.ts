import { createParser } from 'eventsource-parser';
import { Api, type Answer } from '../http/api.js';
import { type ApiDocument, nameOf, operationsOf, type PlacedOperation, type Schema } from './openapi-schemas.js';
import { closed, type Validate, validatorOf } from './openapi-validator.js';

/** Headers that every answer may have: they are about the message, and not about what is asked. */
const ABOUT_THE_MESSAGE = new Set([
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'date',
  'keep-alive',
  'transfer-encoding',
  'vary',
  'x-accel-buffering',
  'x-content-type-options',
]);

/** An answer, as far as it is judged. */
export interface GivenAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** JSON is parsed, all else a text; undefined if there is none. */
  readonly body: unknown;
}

/** Judges what a service really answers by what its document says, and remembers what was answered. */
export class Contract {
  private readonly found = new Set<string>();
  private readonly answered = new Set<string>();
  private readonly operations: readonly PlacedOperation[];
  private readonly validate: Validate;

  private constructor(private readonly document: ApiDocument) {
    this.operations = operationsOf(document);
    this.validate = validatorOf(closed(document));
  }

  /** By the document that a service gives out. */
  static async of(url: string): Promise<Contract> {
    const response = await fetch(`${url}/openapi.json`);
    return new Contract((await response.json()) as ApiDocument);
  }

  /** What was not as the document says. */
  get breaches(): string[] {
    return [...this.found];
  }

  /** The operations that the document has and that have not been answered with a success. */
  get untried(): string[] {
    return this.operations
      .map(({ operationId }) => operationId)
      .filter(id => ![...this.answered].some(seen => seen.startsWith(`${id} 2`)));
  }

  /** Codes of problems that have been answered. */
  readonly codes = new Set<string>();

  judge(method: string, target: string, answer: GivenAnswer): void {
    const { pathname } = new URL(target, 'http://service');
    const named = this.operations.filter(({ path }) => path === pathname);
    const there = named.length > 0 ? named : this.operations.filter(({ path }) => fits(path, pathname));
    const operation = there.find(one => one.method === method.toLowerCase());
    // What is no operation gets a problem all the same.
    if (!operation) return this.judgeContent(`${method} ${pathname}`, PROBLEM_CONTENT, answer);
    const { operationId, responses } = operation;
    const at = `${operationId} ${answer.status}`;
    this.answered.add(at);
    const response = responses[answer.status];
    if (!response) return this.complain(at, ['is not documented', JSON.stringify(answer.body)]);
    this.judgeContent(at, response.content, answer);
    this.judgeHeaders(at, response.headers ?? {}, answer);
  }

  private judgeContent(at: string, content: PlacedContent | undefined, { headers, body }: GivenAnswer): void {
    const [type = ''] = (headers.get('content-type') ?? '').split(';');
    if (!content || body === undefined) {
      if (content || (body !== undefined && body !== ''))
        this.complain(at, ['has content, or none, against the document']);
      return;
    }
    const media = content[type];
    if (!media?.schema) return this.complain(at, [`is not documented as ${type}`]);
    this.complain(at, this.validate(media.schema, body));
    if (media.schema.contentSchema && type !== 'text/csv') this.judgeParts(at, media.schema, type, body as string);
    const { code } = (body ?? {}) as { readonly code?: string };
    if (code !== undefined && type === 'application/problem+json') this.codes.add(code);
  }

  private judgeParts(at: string, { contentSchema = {} }: Schema, type: string, text: string): void {
    for (const part of type === 'text/event-stream' ? eventsOf(text) : linesOf(text)) {
      this.complain(at, this.validate(contentSchema, part));
    }
  }

  private judgeHeaders(
    at: string,
    documented: Readonly<Record<string, { readonly $ref: string }>>,
    { headers, status }: GivenAnswer,
  ): void {
    const isFailure = status >= 400;
    const known = new Map(Object.entries(documented).map(([name, { $ref }]) => [name.toLowerCase(), nameOf($ref)]));
    for (const [name, value] of headers) {
      if (ABOUT_THE_MESSAGE.has(name) || (isFailure && name === 'cache-control')) continue;
      const schema = this.document.components.headers[known.get(name) ?? '']?.schema;
      if (!schema) this.complain(at, [`has the header ${name}, which is not documented`]);
      else this.complain(at, this.validate(schema, schema.type === 'string' ? value : Number(value)));
    }
  }

  private complain(at: string, what: readonly string[]): void {
    for (const text of what) this.found.add(`${at}: ${text}`);
  }
}

type PlacedContent = Readonly<Record<string, { readonly schema?: Schema }>>;

const PROBLEM_CONTENT: PlacedContent = {
  'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
};

/** Whether a path is one of a template's; what stands in braces is any segment. */
const fits = (template: string, path: string): boolean => {
  const parts = path.split('/');
  const wanted = template.split('/');
  return wanted.length === parts.length && wanted.every((part, n) => part.startsWith('{') || part === parts[n]);
};

const linesOf = (text: string): unknown[] =>
  text
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as unknown);

/** The server-sent events of a text, their data parsed. */
export function eventsOf(text: string): unknown[] {
  const events: unknown[] = [];
  createParser({
    onEvent: ({ id = '', event, data }) => events.push({ id, event, data: JSON.parse(data) as unknown }),
  }).feed(text);
  return events;
}

/** Calls the service, and judges each answer. */
export class JudgedApi extends Api {
  constructor(
    url: string,
    readonly contract: Contract,
  ) {
    super(url);
  }

  override async send<T>(
    method: string,
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
    signal?: AbortSignal,
  ): Promise<Answer<T>> {
    const answer = await super.send<T>(method, path, body, headers, signal);
    this.contract.judge(method, path, answer);
    return answer;
  }
}
