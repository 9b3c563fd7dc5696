import { incarnationEndedIds, namedInstances } from '@coordination/registry';
import { z } from 'zod';

const MAX_IDS = 5_000;

export const renewLeases = namedInstances(MAX_IDS, 'Ids of the instances whose leases are renewed.').meta({
  id: 'RenewLeases',
});
export type RenewLeases = z.output<typeof renewLeases>;

export const renewalResult = z
  .looseObject({
    renewed: z.int().min(0),
    notFound: z.array(z.uuid()).describe('Instances that must register again.'),
    incarnationEnded: incarnationEndedIds,
  })
  .meta({ id: 'RenewalResult' });
