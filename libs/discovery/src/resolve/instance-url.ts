import { isIPv6 } from 'node:net';
import { type InstanceRecord } from '@coordination/catalog';

/** Whether the URL of an instance is usable. Hosts of older registrations may have an IPv6 zone, which URLs cannot contain. */
export const hasUsableUrl = ({ host }: Pick<InstanceRecord, 'host'>): boolean => !host.includes('%');

/** The URL of an instance: IPv6 addresses in brackets (RFC 3986, 3.2.2), and always with the port. */
export const instanceUrl = ({ scheme, host, port }: Pick<InstanceRecord, 'scheme' | 'host' | 'port'>): string =>
  `${scheme}://${isIPv6(host) ? `[${host}]` : host}:${port}`;
