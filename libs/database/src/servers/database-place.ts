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

/** The place that a URL names, without connecting: parameters of the URL and variables of libpq fill in what it lacks. */
export function placeOf(text: string): DatabasePlace {
  const url = parseDatabaseUrl(text);
  const { user, database } = url;
  // Without a user in the URL, the driver determines the role.
  return { servers: serversOf(url, process.env), database, role: user ?? new Client({ database }).user };
}

/** The servers, for messages. */
export const describeServers = ({ servers }: Pick<DatabasePlace, 'servers'>): string =>
  servers.map(describeServer).join(', ');

/** A database, for messages; never with the password. */
export const describePlace = ({ servers, database, role }: DatabasePlace): string =>
  `${database} at ${describeServers({ servers })}, role ${role ?? '(none)'}`;
