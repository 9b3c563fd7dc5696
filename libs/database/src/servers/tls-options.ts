import { readFileSync } from 'node:fs';
import { type ConnectionOptions, getCACertificates } from 'node:tls';
import { type Place } from './server-search.js';
import { type TlsDemand } from './tls-demand.js';
import { UnusableFileError } from './unusable-file.errors.js';

/**
 * The TLS options of Node.js for one connection.
 * @throws UnusableFileError that names the file that cannot be read
 */
export function tlsOptions(tls: TlsDemand, { server, address }: Place): ConnectionOptions {
  const { check } = tls;
  const files = {
    ca: read(tls.rootCertFile, 'sslrootcert'),
    cert: read(tls.certFile, 'sslcert'),
    key: read(tls.keyFile, 'sslkey'),
  };
  const options = Object.fromEntries(Object.entries(files).filter(([, content]) => content !== undefined));
  // By itself, `pg` names the server by what it connects to.
  const name = address === server.host ? {} : { servername: server.host };
  if (check === 'nothing') return { ...options, ...name, rejectUnauthorized: false };
  // Without it an address in the URL would be checked as if it were `localhost`.
  if (check === 'host') return { ...options, ...name, host: server.host };
  return { ...options, ...name, ca: files.ca ?? ownRoots(), checkServerIdentity: () => undefined };
}

/**
 * Who is trusted where the name of the server is not checked and no file is named. Never the public authorities: anybody
 * can have a certificate of theirs, for a name of his own.
 */
function ownRoots(): string[] {
  const roots = getCACertificates('extra');
  if (roots.length > 0) return roots;
  throw new Error(
    'sslmode=verify-ca needs a root certificate: sslrootcert=<file> in the URL of the database, or NODE_EXTRA_CA_CERTS.',
  );
}

function read(path: string | null, parameter: string): string | undefined {
  if (path === null) return undefined;
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const message = `The file that ${parameter} in the URL of the database names cannot be read (${code}).`;
    throw new UnusableFileError(message, error);
  }
}
