/** How servers are to be named in one URL. */
export interface SeveralServers {
  /** `host:port`, as it stands in a URL. */
  readonly hosts: readonly string[];
  readonly parameters?: Readonly<Record<string, string>>;
}

/** The URL of a database with other servers than its own, written as libpq takes it. `URL` cannot write such a one. */
export function urlWithServers(url: string, { hosts, parameters = {} }: SeveralServers): string {
  const { username, password, pathname } = new URL(url);
  const query = new URLSearchParams(parameters).toString();
  return `postgres://${username}:${password}@${hosts.join(',')}${pathname}${query === '' ? '' : `?${query}`}`;
}

/** Several servers with the same roles and the same database, named in one URL. */
export const urlOfAll = (urls: readonly string[], parameters?: Readonly<Record<string, string>>): string =>
  urlWithServers(urls[0]!, { hosts: urls.map(url => new URL(url).host), parameters });
