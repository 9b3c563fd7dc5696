import { identityKey } from '@coordination/catalog';
import { type Target } from '@coordination/registry';

/** The instance that a request names, for messages. */
export const describeTarget = (target: Target): string =>
  'id' in target ? `id ${target.id}` : identityKey(target.identity);
