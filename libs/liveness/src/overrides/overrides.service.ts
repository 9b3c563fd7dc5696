import { Inject, Injectable } from '@nestjs/common';
import { CatalogView, type InstanceRecord, ReadBarrier } from '@coordination/catalog';
import { InstancePicker, type Picked, type PickQuestion } from '@coordination/discovery';
import { ValidationFailedError } from '@coordination/kernel';
import { RegistryService, type SetOverride, type WriteResult } from '@coordination/registry';
import { type Selector } from './overrides.schemas.js';
import { type SelectorPlace, toQuestion, withErrorsAt } from './selector.js';

/** The instances that matched a selector, and those that were changed. */
export interface OverridesChanged {
  readonly matched: number;
  readonly changed: readonly InstanceRecord[];
  readonly revision: number;
  readonly epoch: string;
}

/** The most instances that one transaction changes. With the next bound it holds the lock of the head for a second or two. */
export const MAX_CHANGES = 2_000;

/** The most bytes of metadata that those have; each event contains them twice. */
export const MAX_METADATA_BYTES = 4 * 1024 * 1024;

/**
 * Overrides all instances that match a selector, in one transaction. It covers the instances that match when the request comes;
 * one that changes until the transaction decides is matched again.
 */
@Injectable()
export class OverridesService {
  constructor(
    private readonly view: CatalogView,
    private readonly picker: InstancePicker,
    private readonly registry: RegistryService,
    @Inject(ReadBarrier) private readonly barrier: Pick<ReadBarrier, 'strong'>,
  ) {}

  /** @throws ValidationFailedError when there are too many for one transaction, or `until` has passed */
  async set(selector: Selector, override: SetOverride, at: SelectorPlace): Promise<OverridesChanged> {
    return await withErrorsAt(at, async () => {
      const { instances, stillMeans } = await this.pick(toQuestion(selector, at));
      const ids = idsOf(instances, at);
      return toChanged(await this.registry.setOverrideOfMany(ids, override, stillMeans(instances)));
    });
  }

  /** @throws ValidationFailedError when there are too many for one transaction */
  async clear(selector: Selector, at: SelectorPlace): Promise<OverridesChanged> {
    return await withErrorsAt(at, async () => {
      const { instances, stillMeans } = await this.pick(toQuestion(selector, at));
      const overridden = instances.filter(({ override }) => override !== null);
      const ids = idsOf(overridden, at);
      const others = instances.length - overridden.length;
      return toChanged(await this.registry.clearOverrideOfMany(ids, stillMeans(overridden), { others }));
    });
  }

  private async pick(question: PickQuestion): Promise<Picked> {
    await this.barrier.strong();
    this.view.assertReadable();
    return await this.picker.pick(question);
  }
}

/**
 * The ids of the instances to be changed, in the order in which they are changed.
 * @throws ValidationFailedError when there are too many for one transaction: before they are sorted, which takes long
 */
function idsOf(instances: readonly InstanceRecord[], at: SelectorPlace): string[] {
  refuseTooMany(instances, at);
  return instances.toSorted(byName).map(({ id }) => id);
}

function byName(a: InstanceRecord, b: InstanceRecord): number {
  return compare(a.namespace, b.namespace) || compare(a.service, b.service) || compare(a.instanceId, b.instanceId);
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function refuseTooMany(instances: readonly InstanceRecord[], path: string): void {
  const { length } = instances;
  if (length > MAX_CHANGES) {
    throw ValidationFailedError.at(
      path,
      `selects ${length} instances; one transaction changes at most ${MAX_CHANGES}: use several narrower selectors`,
    );
  }
  let bytes = 0;
  for (const { metadata } of instances) bytes += JSON.stringify(metadata).length;
  if (bytes > MAX_METADATA_BYTES) {
    const message = `selects ${length} instances with ${bytes} bytes of metadata; one transaction changes at most ${MAX_METADATA_BYTES}: use several narrower selectors`;
    throw ValidationFailedError.at(path, message);
  }
}

/** The note has the number of instances that matched and needed no command. */
function toChanged({ results, revision, epoch, note }: WriteResult): OverridesChanged {
  const { others = 0 } = (note ?? {}) as { readonly others?: number };
  const matched = results.filter(({ outcome }) => outcome !== 'absent');
  const changed = matched.flatMap(({ outcome, leased }) => (outcome === 'updated' && leased ? [leased.instance] : []));
  return { matched: matched.length + others, changed, revision, epoch };
}
