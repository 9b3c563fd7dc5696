import { instanceUuidSchema } from '@coordination/catalog';
import { itemOfLongList } from '@coordination/kernel';
import { z } from 'zod';
import { incarnationSchema } from './registry.schemas.js';

const MAX_DEREGISTRATIONS = 1_000;

/** One of several instances in a request, and the incarnation that the caller speaks for, if it names one. */
export interface NamedInstance {
  readonly id: string;
  readonly incarnation?: string;
}

const namedInstance = itemOfLongList(
  z.strictObject({ id: instanceUuidSchema, incarnation: incarnationSchema }).meta({ id: 'NamedInstance' }),
);

/**
 * A body that names many instances: some by their ids alone, and some with the incarnation that the caller speaks for.
 * @param about the description of the ids
 */
export const namedInstances = (max: number, about: string) =>
  z
    .strictObject({
      ids: z.array(instanceUuidSchema).min(1).max(max).optional().describe(about),
      instances: z
        .array(namedInstance)
        .min(1)
        .max(max)
        .optional()
        .describe(
          'The same with the incarnation that the caller speaks for. An instance that another incarnation runs is not changed.',
        ),
    })
    .superRefine(({ ids, instances }, context) => {
      const complain = (path: (string | number)[], message: string) =>
        context.addIssue({ code: 'custom', path, message });
      if (!ids && !instances) complain(['ids'], 'is required where there are no instances');
      if ((ids?.length ?? 0) + (instances?.length ?? 0) > max) {
        complain(['instances'], `must not have more than ${max} with those of ids`);
      }
      const known = new Map<string, string | undefined>(ids?.map(id => [id, undefined]));
      for (const [n, { id, incarnation }] of instances?.entries() ?? []) {
        if (known.has(id) && known.get(id) !== incarnation) {
          complain(['instances', n], 'occurs before with another incarnation, or in ids without one');
        }
        known.set(id, incarnation);
      }
    });

/** The instances that a body of {@link namedInstances} names, each once. */
export function toNamedInstances({
  ids = [],
  instances = [],
}: {
  readonly ids?: readonly string[] | undefined;
  readonly instances?: readonly Required<NamedInstance>[] | undefined;
}): NamedInstance[] {
  const named = new Map<string, NamedInstance>();
  for (const id of ids) named.set(id, { id });
  for (const instance of instances) named.set(instance.id, instance);
  return [...named.values()];
}

/** The part of responses about instances that another incarnation runs. */
export const incarnationEndedIds = z
  .array(z.uuid())
  .optional()
  .describe('Instances that another incarnation runs than the request names. They are not changed. Absent: none.');

export const deregisterInstances = namedInstances(MAX_DEREGISTRATIONS, 'Ids of the instances to deregister.').meta({
  id: 'DeregisterInstances',
});
export type DeregisterInstances = z.output<typeof deregisterInstances>;

export const deregistrationResult = z
  .looseObject({
    deregistered: z.int().min(0),
    notFound: z.array(z.uuid()),
    incarnationEnded: incarnationEndedIds,
  })
  .meta({ id: 'DeregistrationResult' });
