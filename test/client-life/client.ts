import { type paths } from './api.js';

/** The client that openapi-fetch is, as far as the life of a client needs it: typed by the document, and nothing more. */
type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';
type PathsWith<M extends Method> = { [P in keyof paths]: M extends keyof paths[P] ? P : never }[keyof paths];
type Operation<P extends keyof paths, M extends Method> = M extends keyof paths[P] ? paths[P][M] : never;

type ContentOf<T> = T extends { content: infer C } ? C[keyof C] : undefined;
type Success = 200 | 201 | 204 | 304;
type AnswersOf<O, S> = O extends { responses: infer R } ? { [K in keyof R & S]: ContentOf<R[K]> }[keyof R & S] : never;
type FailuresOf<O> = O extends { responses: infer R } ? AnswersOf<O, Exclude<keyof R, Success>> : never;

type ParametersOf<O> = O extends { parameters: infer P } ? P : never;
type BodyOf<O> = O extends { requestBody: { content: infer C } } ? { body: C[keyof C] } : { body?: never };

export type Asked<O> = (object extends ParametersOf<O> ? { params?: ParametersOf<O> } : { params: ParametersOf<O> }) &
  BodyOf<O>;
export type Answered<O> = {
  readonly data: AnswersOf<O, Success> | undefined;
  readonly error: FailuresOf<O> | undefined;
  readonly response: Response;
};

type Values = Readonly<Record<string, unknown>>;

/** Calls the service at a URL; `seen` is told of every answer. */
export function clientOf(
  url: string,
  seen: (method: string, target: string, response: Response, text: string) => void,
) {
  async function call<M extends Method, P extends PathsWith<M>>(
    method: M,
    path: P,
    { params, body }: Asked<Operation<P, M>>,
  ): Promise<Answered<Operation<P, M>>> {
    const {
      path: inPath = {},
      query = {},
      header = {},
    } = (params ?? {}) as { path?: Values; query?: Values; header?: Values };
    const target = String(path).replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(inPath[name])));
    const asked = Object.entries(query).flatMap(([name, value]) =>
      [value].flat().map(one => `${name}=${encodeURIComponent(String(one))}`),
    );
    const full = asked.length > 0 ? `${target}?${asked.join('&')}` : target;
    const type = method === 'patch' ? 'application/merge-patch+json' : 'application/json';
    const response = await fetch(url + full, {
      method: method.toUpperCase(),
      headers: { ...(header as Record<string, string>), ...(body !== undefined && { 'content-type': type }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    seen(method.toUpperCase(), full, response, text);
    const isJson = /[/+]json/.test(response.headers.get('content-type') ?? '');
    const content = (text === '' ? undefined : isJson ? JSON.parse(text) : text) as never;
    return response.ok ? { data: content, error: undefined, response } : { data: undefined, error: content, response };
  }
  return call;
}

export type Call = ReturnType<typeof clientOf>;
