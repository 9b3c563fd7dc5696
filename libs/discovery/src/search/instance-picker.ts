import { type Clock, InvalidFilterError } from '@coordination/kernel';
import { type CatalogView, type InstanceRecord, type InstanceTest } from '@coordination/catalog';
import { ScanBudget } from '../selection/scan-budget.js';
import { patternMeter } from '../selection/pattern-meter.js';
import { matcher, type Selection } from '../selection/selection.js';

/** Which instances of the catalog are meant. */
export interface PickQuestion {
  /** null: all of them. */
  readonly namespace: string | null;
  readonly service: string | null;
  readonly selection: Selection;
}

/** All the instances that a question means. */
export interface Picked {
  readonly instances: readonly InstanceRecord[];
  /**
   * Says of one of them, as it has become, whether the question still means it; cheap unless it has changed.
   * @throws InvalidFilterError when patterns cost too much
   */
  readonly stillMeans: InstanceTest;
}

/** How long (ms) may be looked: a filter without patterns gets through a million instances. */
const LOOK_LIMIT_MS = 5_000;

/** Steps of patterns while others get their turn in between: up to five seconds, as above. */
const MAX_STEPS = 50_000_000;

/** Steps for judging anew, which is done while all writers wait: up to a tenth of a second. */
const MAX_STEPS_ANEW = 1_000_000;

const TOO_COSTLY = {
  path: '/query/filter',
  message: 'takes too long to decide for as many instances: narrow it by a service or a namespace',
};

/** Finds whatever a question means in the view, however much that is. The view must be readable. */
export class InstancePicker {
  constructor(
    private readonly view: CatalogView,
    private readonly clock: Clock,
  ) {}

  /** @throws InvalidFilterError when it takes too long to decide */
  async pick(question: PickQuestion): Promise<Picked> {
    const { selection } = question;
    const budget = new ScanBudget({ instances: Infinity, milliseconds: LOOK_LIMIT_MS }, this.clock);
    const isMeant = matcher(selection, patternMeter(MAX_STEPS));
    const instances: InstanceRecord[] = [];
    for (const record of this.candidates(question)) {
      if (budget.isSpent) throw new InvalidFilterError([TOO_COSTLY]);
      await budget.look();
      if (isMeant(record)) instances.push(record);
    }
    const versions = new Map(instances.map(({ id, version }) => [id, version]));
    const isMeantAnew = matcher(selection, patternMeter(MAX_STEPS_ANEW));
    return { instances, stillMeans: record => versions.get(record.id) === record.version || isMeantAnew(record) };
  }

  private *candidates({ namespace, service }: PickQuestion): Iterable<InstanceRecord> {
    const namespaces = namespace === null ? this.view.namespaces().keys() : [namespace];
    for (const each of namespaces) {
      const services = service === null ? this.view.services(each).keys() : [service];
      for (const name of services) yield* this.view.instancesOf(each, name).values();
    }
  }
}
