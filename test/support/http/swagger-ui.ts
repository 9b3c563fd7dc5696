import { createContext, runInContext } from 'node:vm';

/** What a page of Swagger UI does on its own: it has no tree of elements here, so nothing is drawn. */
export interface SwaggerUi {
  /** The parts of Swagger UI, as its plugins see them. */
  readonly system: SwaggerSystem;
  /** What was asked of the server. */
  readonly asked: readonly string[];
  /** The attributes of the filter box. */
  readonly filterBox: Readonly<Record<string, string>>;
}

/** As much as is looked at. */
export interface SwaggerSystem {
  readonly getConfigs: () => Record<string, unknown>;
  readonly layoutActions: { updateFilter(phrase: string): void };
  readonly specSelectors: {
    specJson(): Tree;
    taggedOperations(): { map(of: (group: Tree) => unknown): Tree };
  };
  readonly fn: { buildRequest(options: object): { readonly url: string } };
  readonly getComponent: (name: string) => (props: object) => unknown;
}

interface Tree {
  get(key: string): Tree;
  getIn(path: readonly string[]): Tree;
  map(of: (member: Tree) => unknown): Tree;
  toJS(): unknown;
}

/** What browsers have as Node.js has it. */
const PLATFORM = {
  console,
  URL,
  URLSearchParams,
  Headers,
  Request,
  Response,
  FormData,
  Blob,
  File,
  AbortController,
  TextEncoder,
  TextDecoder,
  setTimeout,
  clearTimeout,
  queueMicrotask,
};

/** Long enough for any machine; the page is there after a second or two. */
const LIMIT_MS = 90_000;

/**
 * A plugin that keeps Swagger UI from resolving the references of the document in the background. What is resolved is only
 * needed to draw, and takes seconds of processor time, in which nothing else of the process of the test proceeds, the service
 * included.
 */
const WITHOUT_RESOLVING = () => ({
  statePlugins: { spec: { wrapActions: { requestResolvedSubtree: () => () => undefined } } },
});

/**
 * Runs the scripts of the page of Swagger UI, as a browser does that keeps its Content-Security-Policy: text is never run
 * as code.
 * @param page URL of the page
 */
export async function openSwaggerUi(page: string): Promise<SwaggerUi> {
  const html = await textOf(page);
  const scripts = [...html.matchAll(/<script src="([^"]+)"><\/script>/g)].map(
    ([, src = '']) => new URL(src, page).href,
  );
  const asked: string[] = [];
  const filterBox: Record<string, string> = {};
  const filter = { setAttribute: (name: string, value: string) => (filterBox[name] = value) };
  const shown = Promise.withResolvers<void>();
  const place = {
    set textContent(text: string) {
      shown.reject(new Error(text));
    },
  };
  const document = {
    baseURI: page,
    currentScript: { src: '' },
    getElementById: () => place,
    querySelector: (selector: string) => (selector.startsWith('.') ? filter : null),
    createElement: () => ({ style: {}, setAttribute: () => undefined }),
    addEventListener: () => undefined,
  };
  const window: Record<string, unknown> = {
    ...PLATFORM,
    document,
    location: new URL(page),
    navigator: { userAgent: '' },
    addEventListener: () => undefined,
    removeEventListener: () => undefined,
    fetch: (url: URL | string, options?: RequestInit) => {
      asked.push(String(url));
      return fetch(url, options);
    },
  };
  Object.assign(window, { window, self: window });
  createContext(window, { codeGeneration: { strings: false, wasm: false } });
  let system: SwaggerSystem | undefined;
  let isWatched = false;
  for (const src of scripts) {
    document.currentScript.src = src;
    runInContext(await textOf(src), window, { filename: src });
    const real = window['SwaggerUIBundle'] as ((options: object) => { getSystem(): SwaggerSystem }) | undefined;
    if (real === undefined || isWatched) continue;
    isWatched = true;
    window['SwaggerUIBundle'] = Object.assign(
      (options: { onComplete(): void; readonly plugins?: readonly unknown[] }) => {
        const onComplete = () => {
          options.onComplete();
          shown.resolve();
        };
        const ui = real({
          ...options,
          plugins: [...(options.plugins ?? []), WITHOUT_RESOLVING],
          dom_id: null,
          onComplete,
        });
        system = ui.getSystem();
        return ui;
      },
      real,
    );
  }
  const late = setTimeout(() => shown.reject(new Error('Swagger UI does not show the API')), LIMIT_MS);
  await shown.promise.finally(() => clearTimeout(late));
  return {
    system: system!,
    asked,
    filterBox: { ...filterBox, placeholder: String(Reflect.get(filter, 'placeholder')) },
  };
}

async function textOf(url: string): Promise<string> {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url} was answered ${answer.status}`);
  return answer.text();
}
