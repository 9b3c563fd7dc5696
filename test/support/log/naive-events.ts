import { type EventFilter, type LogEvent } from '@coordination/log';
import * as fc from 'fast-check';

/** Texts that mean something to one of those who see them on the way: LIKE, SQL, arrays, JSON, URLs, Unicode. */
export const POISON = [
  '%',
  '_',
  '\\',
  '\\%',
  "'",
  '"',
  "'; drop table service_event; --",
  '$1',
  '{a,b}',
  'Null',
  'Rack 7',
  'rack 7',
  'Straße',
  'STRASSE',
  'İstanbul',
  'i̇stanbul',
  'größer',
  'GRÖSSER',
  '\u00e9',
  'e\u0301',
  '数 😀',
  ' ',
] as const;

/** Reasons that hold poison, and each other's parts. */
export const someReason = fc.oneof(
  fc.constant(null),
  fc.constantFrom(...POISON),
  fc.array(fc.constantFrom(...POISON), { minLength: 2, maxLength: 4 }).map(parts => parts.join('')),
);

/** Addresses as the log may have them; the last ones are none, or are spelt as no version of today spells them. */
export const ADDRESSES = [
  '10.0.3.17',
  '10.0.4.1',
  '11.0.0.1',
  '2001:db8::1',
  '2001:db8:1::7',
  '::1',
  '::ffff:10.0.3.17',
  '2001:DB8:0::1',
  'unknown',
  '%',
  "o'hare{",
] as const;

/** What lies in a range, told by hand. */
export const RANGES: Readonly<Record<string, readonly string[]>> = {
  '10.0.3.17/32': ['10.0.3.17', '::ffff:10.0.3.17'],
  '10.0.0.0/8': ['10.0.3.17', '10.0.4.1', '::ffff:10.0.3.17'],
  '10.9.9.9/8': ['10.0.3.17', '10.0.4.1', '::ffff:10.0.3.17'],
  '10.0.3.0/24': ['10.0.3.17', '::ffff:10.0.3.17'],
  '10.0.2.0/23': ['10.0.3.17', '::ffff:10.0.3.17'],
  '0.0.0.0/0': ['10.0.3.17', '10.0.4.1', '11.0.0.1', '::ffff:10.0.3.17'],
  '192.0.2.0/24': [],
  '2001:db8::1/128': ['2001:db8::1', '2001:DB8:0::1'],
  '2001:db8::/32': ['2001:db8::1', '2001:db8:1::7', '2001:DB8:0::1'],
  '2001:db8::/47': ['2001:db8::1', '2001:db8:1::7', '2001:DB8:0::1'],
  '2001:db8::/48': ['2001:db8::1', '2001:DB8:0::1'],
};

const inAsciiLowerCase = (text: string) => text.replaceAll(/[A-Z]/g, letter => letter.toLowerCase());

/** The filter as anybody would write it over an array. */
export const selects = (filter: EventFilter, event: LogEvent): boolean =>
  (filter.namespace === undefined || event.namespace === filter.namespace) &&
  (filter.service === undefined || event.service === filter.service) &&
  (filter.instanceId === undefined || event.instanceId === filter.instanceId) &&
  (filter.instance === undefined || event.instanceUuid === filter.instance) &&
  (filter.action === undefined || filter.action.includes(event.action)) &&
  (filter.actor === undefined || event.actor === filter.actor) &&
  (filter.source === undefined || event.source === filter.source) &&
  (filter.requestId === undefined || event.requestId === filter.requestId) &&
  (filter.batchId === undefined || event.batchId === filter.batchId) &&
  (filter.clientAddress === undefined || RANGES[filter.clientAddress]!.includes(event.clientAddress ?? '')) &&
  (filter.reason === undefined ||
    (event.reason !== null && inAsciiLowerCase(event.reason).includes(inAsciiLowerCase(filter.reason)))) &&
  (filter.from === undefined || event.at >= filter.from) &&
  (filter.to === undefined || event.at <= filter.to) &&
  (filter.after === undefined || event.at > filter.after) &&
  (filter.before === undefined || event.at < filter.before) &&
  (filter.fromRevision === undefined || event.revision >= filter.fromRevision) &&
  (filter.toRevision === undefined || event.revision <= filter.toRevision) &&
  (filter.afterRevision === undefined || event.revision > filter.afterRevision) &&
  (filter.beforeRevision === undefined || event.revision < filter.beforeRevision);
