import { Client } from 'pg';

/** Which database a URL leads to, and as whom. */
export interface DatabasePlace {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly role: string | undefined;
}

/** What the driver makes of a URL without connecting: parameters of the URL and variables of libpq fill in what it lacks. */
export function placeOf(url: string): DatabasePlace {
  const withoutFiles = new URL(url);
  // The driver would read the files of certificates, which matter to connections alone.
  for (const name of [...withoutFiles.searchParams.keys()].filter(name => name.startsWith('ssl'))) {
    withoutFiles.searchParams.delete(name);
  }
  const { host, port, database = '', user } = new Client({ connectionString: withoutFiles.href });
  return { host, port, database, role: user };
}

/** Names a database for people; never with the password. */
export function describePlace({ host, port, database, role }: DatabasePlace): string {
  const address = host.includes(':') ? `[${host}]` : host;
  return `${database} at ${address}:${port}, role ${role ?? '(none)'}`;
}
