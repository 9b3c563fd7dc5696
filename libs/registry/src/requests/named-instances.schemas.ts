import { z } from 'zod';
import { incarnationSchema, instanceUuidSchema } from './registry.schemas.js';

const MAX_DEREGISTRATIONS = 1_000;

/** An instance that a request names beside others, and the incarnation that its caller speaks for, if it says so. */
export interface NamedInstance {
  readonly id: string;
  readonly incarnation?: string;
}

const namedInstance = z
  .strictObject({ id: instanceUuidSchema, incarnation: incarnationSchema })
  .meta({ id: 'NamedInstance' });

/**
 * A body that names many instances: by their ids alone, or with the incarnation that the caller speaks for, or some this
 * way and some that.
 * @param about what is said of them
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
          'The same with the incarnation that the caller speaks for; nothing happens to one that another runs.',
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
          complain(['instances', n], 'is there before with another incarnation, or without one in ids');
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

/** What answers tell of those that another incarnation runs. */
export const incarnationEndedIds = z
  .array(z.uuid())
  .optional()
  .describe('Those that another incarnation runs than the request names: nothing happened to them. Absent: none.');

export const deregisterInstances = namedInstances(MAX_DEREGISTRATIONS, 'Ids of instances that go.').meta({
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
