/** TLS to PostgreSQL: not at all, encrypted, or encrypted with the certificate checked. */
export type SslMode = 'off' | 'require' | 'verify';

/** What libpq takes for `sslmode`, and `no-verify`, which node-postgres added. */
const URL_MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full', 'no-verify'] as const;
type UrlMode = (typeof URL_MODES)[number];

/** libpq: the certificate authorities of the system instead of those of a file. */
const SYSTEM_ROOTS = 'system';

/** What a connection asks of TLS. Files are read each time that a connection is made, so that they can be replaced. */
export interface TlsDemand {
  readonly encryption: 'none' | 'if-offered' | 'required';
  /** What is checked of the server's certificate: nothing, who issued it, or also that it is for the host of the URL. */
  readonly check: 'nothing' | 'chain' | 'host';
  /** Paths of PEM files. */
  readonly rootCertFile: string | null;
  readonly certFile: string | null;
  readonly keyFile: string | null;
  /** `direct`: TLS begins at once, without asking the server for it first (PostgreSQL 17). */
  readonly negotiation: 'postgres' | 'direct';
}

/**
 * What the parameters of a database's URL, or else a setting, demand of TLS, with the meaning that libpq gives to the parameters
 * (PostgreSQL, 32.19 "SSL Support").
 * @param fallbackMode the mode where neither sets one, such as that of PGSSLMODE
 * @throws Error with a line for people, which repeats nothing of the URL but its parameters for TLS
 */
export function tlsDemand(parameters: Parameters, ssl: SslMode, fallbackMode?: string): TlsDemand {
  const mode = modeOf(parameters, ssl, fallbackMode);
  const rootCertFile = rootCertFileOf(parameters, mode);
  return {
    ...meaningOf(mode, rootCertFile !== null),
    rootCertFile,
    certFile: parameters.get('sslcert') || null,
    keyFile: parameters.get('sslkey') || null,
    negotiation: negotiationOf(parameters, mode),
  };
}

type Parameters = ReadonlyMap<string, string>;

function modeOf(parameters: Parameters, ssl: SslMode, fallbackMode: string | undefined): UrlMode {
  const mode = parameters.get('sslmode') ?? fromDriver(parameters.get('ssl'));
  if (mode !== undefined) return known(mode, 'sslmode in the URL of the database');
  if (ssl !== 'off') return ssl === 'verify' ? 'verify-full' : 'require';
  if (['sslrootcert', 'sslcert', 'sslkey'].some(name => parameters.has(name))) return 'verify-full';
  return fallbackMode ? known(fallbackMode, 'PGSSLMODE') : 'disable';
}

/** `ssl` in the URL is not known to libpq. Its values keep the meaning that `pg` gives to them. */
function fromDriver(ssl: string | undefined): UrlMode | undefined {
  if (ssl === undefined) return undefined;
  if (ssl === '0' || ssl === 'false') return 'disable';
  return ssl === 'no-verify' ? 'no-verify' : 'verify-full';
}

function known(mode: string, where: string): UrlMode {
  if ((URL_MODES as readonly string[]).includes(mode)) return mode as UrlMode;
  throw new Error(`${where} must be one of ${URL_MODES.join(', ')}.`);
}

function meaningOf(mode: UrlMode, hasRootCert: boolean): Pick<TlsDemand, 'encryption' | 'check'> {
  switch (mode) {
    case 'disable':
      return { encryption: 'none', check: 'nothing' };
    case 'allow':
    case 'prefer':
      return { encryption: 'if-offered', check: 'nothing' };
    case 'require':
      // libpq, too, checks the issuer where a root certificate is given.
      return { encryption: 'required', check: hasRootCert ? 'chain' : 'nothing' };
    case 'no-verify':
      return { encryption: 'required', check: 'nothing' };
    case 'verify-ca':
      return { encryption: 'required', check: 'chain' };
    case 'verify-full':
      return { encryption: 'required', check: 'host' };
    default: {
      const impossible: never = mode;
      return impossible;
    }
  }
}

function rootCertFileOf(parameters: Parameters, mode: UrlMode): string | null {
  const file = parameters.get('sslrootcert') || null;
  if (file !== SYSTEM_ROOTS) return file;
  if (mode === 'verify-full') return null;
  throw new Error(`sslrootcert=system in the URL of the database needs sslmode=verify-full, not ${mode}.`);
}

function negotiationOf(parameters: Parameters, mode: UrlMode): TlsDemand['negotiation'] {
  const negotiation = parameters.get('sslnegotiation') ?? 'postgres';
  if (negotiation !== 'postgres' && negotiation !== 'direct') {
    throw new Error('sslnegotiation in the URL of the database must be postgres or direct.');
  }
  if (negotiation === 'direct' && ['disable', 'allow', 'prefer'].includes(mode)) {
    throw new Error(
      `sslnegotiation=direct in the URL of the database needs sslmode=require, verify-ca or verify-full, not ${mode}.`,
    );
  }
  return negotiation;
}
