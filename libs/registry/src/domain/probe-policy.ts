import { isIP } from 'node:net';
import { AddressRanges, canonicalAddress, type FieldError, ValidationFailedError } from '@coordination/kernel';
import { type Endpoint, type InitialState } from '@coordination/catalog';
import { isProbed } from './health-rules.js';

/**
 * IPv4 networks that are never probed: "this network" with the unspecified address, link-local with the metadata
 * services of most clouds, multicast, reserved with the broadcast address, and metadata services elsewhere (Alibaba,
 * Azure, Oracle).
 */
const NEVER_V4 = [
  '0.0.0.0/8',
  '169.254.0.0/16',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '100.100.100.200/32',
  '168.63.129.16/32',
  '192.0.0.192/32',
];

/**
 * The same for IPv6: link-local, site-local, multicast, metadata services (AWS, Google, Oracle), and what leads to IPv4
 * by means that hide the address: Teredo (RFC 4380), local NAT64 (RFC 8215), translated (RFC 2765).
 */
const NEVER_V6 = [
  'fe80::/10',
  'fec0::/10',
  'ff00::/8',
  'fd00:ec2::254/128',
  'fd20:ce::254/128',
  'fd00:c1::a9fe:a9fe/128',
  '2001::/32',
  '64:ff9b:1::/48',
  '::ffff:0:0:0/96',
];

/** Where IPv6 addresses have an IPv4 address in them: NAT64 (RFC 6052), 6to4 (RFC 3056), compatible (RFC 4291). */
const EMBEDDINGS = [
  { prefixBits: 96, embed: (high: string, low: string) => `64:ff9b::${high}:${low}` },
  { prefixBits: 16, embed: (high: string, low: string) => `2002:${high}:${low}::` },
  { prefixBits: 96, embed: (high: string, low: string) => `::${high}:${low}` },
];

const LOOPBACK_V6 = '::1';

const embeddedIn = (range: string): string[] => {
  const [address = '', bits] = range.split('/');
  const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number);
  return EMBEDDINGS.map(({ prefixBits, embed }) => {
    const embedded = embed((a * 256 + b).toString(16), (c * 256 + d).toString(16));
    return `${embedded}/${prefixBits + Number(bits)}`;
  });
};

const NEVER = new AddressRanges([...NEVER_V4, ...NEVER_V6, ...NEVER_V4.flatMap(embeddedIn)]);

/** What a registration says about health and probes. */
export interface ProbedRegistration {
  readonly spec: Endpoint;
  readonly initialState?: InitialState | undefined;
  /** JSON pointer of the registration in the request, for errors. */
  readonly path: string;
}

/** Which addresses nodes of this service may probe, and what registrations may say about health that probes decide. */
export class ProbePolicy {
  private readonly allowed: AddressRanges;
  private readonly allowsNothing: boolean;

  /** @param ranges addresses and CIDRs that may be probed; addresses that are never probed are not, even if they are in a range */
  constructor(ranges: readonly string[]) {
    this.allowsNothing = ranges.length === 0;
    this.allowed = new AddressRanges(ranges);
  }

  /**
   * @throws ValidationFailedError when a registration sets a health that probes decide, or needs a probe that is not allowed
   */
  assertAllows(registrations: readonly ProbedRegistration[]): void {
    for (const registration of registrations) refuseClaim(registration);
    const errors = registrations.flatMap(({ spec, path }) =>
      this.complaintsAbout(spec).map(error => ({ ...error, path: path + error.path })),
    );
    if (errors.length > 0) throw new ValidationFailedError(errors);
  }

  /** Why an address may not be probed; undefined: it may. IPv4 addresses in IPv6 notation are checked as IPv4 addresses. */
  refusalOf(address: string): string | undefined {
    const plain = canonicalAddress(address);
    if (plain === undefined) return `${address} is not an address that can be probed`;
    if (plain !== LOOPBACK_V6 && NEVER.has(plain)) {
      return `${address} is never probed: it is link-local, unspecified, multicast, reserved or a metadata service`;
    }
    if (this.allowed.has(plain)) return undefined;
    return `${address} may not be probed: the setting PCS_PROBE_ALLOW does not cover it`;
  }

  /** Why the check of an endpoint is not allowed. A host name is checked at each probe, by the addresses that it resolves to. */
  complaintsAbout({ host, check }: Endpoint): FieldError[] {
    if (!isProbed(check)) return [];
    if (this.allowsNothing) {
      return [{ path: '/check', message: `cannot be ${check.kind}: the service probes nothing (PCS_PROBE_ALLOW)` }];
    }
    const message = isIP(host) === 0 ? undefined : this.refusalOf(host);
    return message === undefined ? [] : [{ path: '/host', message: `${message}; another kind of check is possible` }];
  }
}

function refuseClaim({ spec: { check }, initialState, path }: ProbedRegistration): void {
  if (!isProbed(check) || initialState === undefined || initialState === 'unknown') return;
  const message = `must be unknown or absent with the check ${check.kind}: the first probes decide`;
  throw ValidationFailedError.at(`${path}/status`, message);
}
