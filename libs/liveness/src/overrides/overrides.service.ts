import { type CatalogView, type InstanceRecord, type ReadBarrier } from '@coordination/catalog';
import { type InstancePicker, type Picked, type PickQuestion } from '@coordination/discovery';
import { ValidationFailedError } from '@coordination/kernel';
import { type RegistryService, type SetOverride, type WriteResult } from '@coordination/registry';
import { type Selector } from './overrides.schemas.js';
import { type SelectorPlace, told, toQuestion } from './selector.js';

/** What became of the instances that a selector means. */
export interface OverridesChanged {
  readonly matched: number;
  readonly changed: readonly InstanceRecord[];
  readonly revision: number;
  readonly epoch: string;
}

export interface OverridesTools {
  readonly view: CatalogView;
  readonly picker: InstancePicker;
  readonly registry: RegistryService;
  readonly gate: Pick<ReadBarrier, 'strong'>;
}

/** The most instances that one transaction changes; with the next bound it holds the head for a second or two. */
export const MAX_CHANGES = 2_000;

/** The most bytes of metadata that those have; each event repeats them twice. */
export const MAX_METADATA_BYTES = 4 * 1024 * 1024;

/**
 * Overrides of whatever a selector means, in one transaction. Chosen are the instances that are there when the request
 * comes; one that has changed until the transaction decides is judged again as it is then.
 */
export class OverridesService {
  constructor(private readonly tools: OverridesTools) {}

  /** @throws ValidationFailedError when there are too many for one transaction, or `until` has passed */
  async set(selector: Selector, override: SetOverride, at: SelectorPlace): Promise<OverridesChanged> {
    return await told(at, async () => {
      const { instances, stillMeans } = await this.pick(toQuestion(selector, at));
      refuseTooMany(instances, at);
      return toChanged(await this.tools.registry.setOverrideOfMany(idsOf(instances), override, stillMeans));
    });
  }

  /** @throws ValidationFailedError when there are too many for one transaction */
  async clear(selector: Selector, at: SelectorPlace): Promise<OverridesChanged> {
    return await told(at, async () => {
      const { instances, stillMeans } = await this.pick(toQuestion(selector, at));
      const overridden = instances.filter(({ override }) => override !== null);
      refuseTooMany(overridden, at);
      const others = instances.length - overridden.length;
      return toChanged(await this.tools.registry.clearOverrideOfMany(idsOf(overridden), stillMeans, { others }));
    });
  }

  private async pick(question: PickQuestion): Promise<Picked> {
    await this.tools.gate.strong();
    this.tools.view.assertReadable();
    const { instances, stillMeans } = await this.tools.picker.pick(question);
    return { instances: instances.toSorted(byName), stillMeans };
  }
}

const idsOf = (instances: readonly InstanceRecord[]): string[] => instances.map(({ id }) => id);

function byName(a: InstanceRecord, b: InstanceRecord): number {
  return compare(a.namespace, b.namespace) || compare(a.service, b.service) || compare(a.instanceId, b.instanceId);
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function refuseTooMany(instances: readonly InstanceRecord[], path: string): void {
  const { length } = instances;
  if (length > MAX_CHANGES) {
    throw refusal(path, `means ${length} instances; one transaction takes ${MAX_CHANGES}: do it in narrower parts`);
  }
  let bytes = 0;
  for (const { metadata } of instances) bytes += JSON.stringify(metadata).length;
  if (bytes > MAX_METADATA_BYTES) {
    const message = `means ${length} instances with ${bytes} bytes of metadata; one transaction takes ${MAX_METADATA_BYTES}: do it in narrower parts`;
    throw refusal(path, message);
  }
}

const refusal = (path: string, message: string) => new ValidationFailedError([{ path, message }]);

/** The note tells how many others were meant, which needed no command. */
function toChanged({ results, revision, epoch, note }: WriteResult): OverridesChanged {
  const { others = 0 } = (note ?? {}) as { readonly others?: number };
  const meant = results.filter(({ outcome }) => outcome !== 'absent');
  const changed = meant.flatMap(({ outcome, leased }) => (outcome === 'updated' && leased ? [leased.instance] : []));
  return { matched: meant.length + others, changed, revision, epoch };
}
