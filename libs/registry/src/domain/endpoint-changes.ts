import { canonicalAddress, sameJson } from '@coordination/kernel';
import { type Endpoint } from '@coordination/catalog';
import { type Probed } from './commands.js';

/** Whether the endpoint or the check is another one, so that nothing that was known of it counts. */
export function resetsHealth(before: Endpoint, after: Endpoint): boolean {
  const sameEndpoint =
    before.scheme === after.scheme && before.port === after.port && isSameHost(before.host, after.host);
  return !sameEndpoint || !sameJson(before.check, after.check);
}

/** Whether it is another endpoint, or another process behind it, than what was probed. */
export const isAnother = (probed: Probed, now: Probed): boolean =>
  resetsHealth(probed, now) || probed.incarnationNumber !== now.incarnationNumber;

/** A registration of earlier times may have an address in another spelling than the one that addresses have now. */
const isSameHost = (before: string, after: string): boolean => before === after || canonicalAddress(before) === after;
