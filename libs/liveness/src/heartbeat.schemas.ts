import { instanceUuidSchema } from '@coordination/registry';
import { z } from 'zod';

const MAX_IDS = 5_000;

export const renewLeases = z
  .strictObject({ ids: z.array(instanceUuidSchema).min(1).max(MAX_IDS).describe('Ids of instances that are alive.') })
  .meta({ id: 'RenewLeases' });
export type RenewLeases = z.output<typeof renewLeases>;

export const renewalResult = z
  .looseObject({
    renewed: z.int().min(0),
    notFound: z.array(z.uuid()).describe('These must register again.'),
  })
  .meta({ id: 'RenewalResult' });
