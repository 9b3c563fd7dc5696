import { canonicalAddress, sameJson } from '@coordination/kernel';
import { type Endpoint } from '@coordination/catalog';
import { type Probed } from './commands.js';

/** Whether the endpoint or the check differs, so that the known health no longer applies. */
export function resetsHealth(before: Endpoint, after: Endpoint): boolean {
  const sameEndpoint =
    before.scheme === after.scheme && before.port === after.port && isSameHost(before.host, after.host);
  return !sameEndpoint || !sameJson(before.check, after.check);
}

/** Whether the endpoint, or the process that it belongs to, is another one than what was probed. */
export const isAnother = (probed: Probed, now: Probed): boolean =>
  resetsHealth(probed, now) || probed.incarnationNumber !== now.incarnationNumber;

/** A registration by an earlier version may have an address that is not in canonical form. */
const isSameHost = (before: string, after: string): boolean => before === after || canonicalAddress(before) === after;
