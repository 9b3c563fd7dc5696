import { isIPv6 } from 'node:net';
import { type InstanceRecord } from '@coordination/catalog';

/** Whether the URL of an instance can be used. Registrations of earlier times may have a zone, which no URL can have. */
export const hasUsableUrl = ({ host }: Pick<InstanceRecord, 'host'>): boolean => !host.includes('%');

/** Where an instance is reached: IPv6 addresses in brackets (RFC 3986, 3.2.2), the port always told. */
export const instanceUrl = ({ scheme, host, port }: Pick<InstanceRecord, 'scheme' | 'host' | 'port'>): string =>
  `${scheme}://${isIPv6(host) ? `[${host}]` : host}:${port}`;
