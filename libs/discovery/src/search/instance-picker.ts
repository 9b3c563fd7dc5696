import { CatalogView, type InstanceRecord, type InstanceTest, type Scope } from '@coordination/catalog';
import { Clock, InvalidFilterError } from '@coordination/kernel';
import { Injectable } from '@nestjs/common';
import { ScanBudget } from '../selection/scan-budget.js';
import { patternMeter } from '../selection/pattern-meter.js';
import { matcher, type Selection } from '../selection/selection.js';

/** Which instances of the catalog to pick. */
export interface PickQuestion extends Scope {
  readonly selection: Selection;
}

/** The picked instances. */
export interface Picked {
  readonly instances: readonly InstanceRecord[];
  /**
   * Whether one of them, as it is now, is still selected; cheap unless it has changed.
   * @throws InvalidFilterError when patterns cost too much
   */
  readonly stillMeans: InstanceTest;
}

/** How long (ms) a scan may last: a filter without patterns tests a million instances in that time. */
const SCAN_LIMIT_MS = 5_000;

/** Pattern steps of a scan, in which other work runs: up to five seconds, as above. */
const MAX_STEPS = 50_000_000;

/** Pattern steps of the tests of changed instances, for which all writers wait: up to a tenth of a second. */
const MAX_STEPS_CHANGED = 1_000_000;

const TOO_COSTLY = {
  path: '/query/filter',
  message: 'takes too long to decide for so many instances: narrow it by a service or a namespace',
};

/** Picks all instances of the view in a scope that a selection contains. The view must be readable. */
@Injectable()
export class InstancePicker {
  constructor(
    private readonly view: CatalogView,
    private readonly clock: Clock,
  ) {}

  /** @throws InvalidFilterError when it takes too long to decide */
  async pick(question: PickQuestion): Promise<Picked> {
    const { selection } = question;
    const budget = new ScanBudget({ instances: Infinity, milliseconds: SCAN_LIMIT_MS }, this.clock);
    const isSelected = matcher(selection, patternMeter(MAX_STEPS));
    const instances: InstanceRecord[] = [];
    for (const record of this.view.instancesIn(question)) {
      if (budget.isSpent) throw new InvalidFilterError([TOO_COSTLY]);
      await budget.step();
      if (isSelected(record)) instances.push(record);
    }
    const versions = new Map(instances.map(({ id, version }) => [id, version]));
    const isChangedSelected = matcher(selection, patternMeter(MAX_STEPS_CHANGED));
    return { instances, stillMeans: record => versions.get(record.id) === record.version || isChangedSelected(record) };
  }
}
