import process from 'node:process';
import { parseDatabaseUrl } from '@coordination/config';
import { Client } from 'pg';
import { describeServer, type Server, serversOf } from './servers.js';

/** Which database a URL leads to, and as whom. */
export interface DatabasePlace {
  /** One of them is the one that it leads to. */
  readonly servers: readonly Server[];
  readonly database: string;
  readonly role: string | undefined;
}

/** What is known of a URL without connecting: parameters of the URL and variables of libpq fill in what it lacks. */
export function placeOf(text: string): DatabasePlace {
  const url = parseDatabaseUrl(text);
  const { user, database } = url;
  // The driver knows who it would be where nobody is named.
  return { servers: serversOf(url, process.env), database, role: user ?? new Client({ database }).user };
}

/** Names the servers for people. */
export const describeServers = ({ servers }: Pick<DatabasePlace, 'servers'>): string =>
  servers.map(describeServer).join(', ');

/** Names a database for people; never with the password. */
export const describePlace = ({ servers, database, role }: DatabasePlace): string =>
  `${database} at ${describeServers({ servers })}, role ${role ?? '(none)'}`;
