import { CatalogView, type InstanceRecord, type InstanceTest, type Scope } from '@coordination/catalog';
import { currentRequest } from '@coordination/context';
import { InvalidFilterError } from '@coordination/kernel';
import { Scheduler } from '@coordination/scheduling';
import { Injectable, Optional } from '@nestjs/common';
import { patternMeter } from '../selection/pattern-meter.js';
import { ScanTest } from '../selection/scan-test.js';
import { ScanPace } from './scan-pace.js';
import { matcher, type Selection } from '../selection/selection.js';

/** Which instances of the catalog to pick. */
export interface PickQuestion extends Scope {
  readonly selection: Selection;
}

/** The picked instances. */
export interface Picked {
  readonly instances: readonly InstanceRecord[];
  /**
   * For some of them: a test whether one, as it is now, is still selected; cheap unless it has changed.
   * The test throws InvalidFilterError when patterns cost too much.
   */
  readonly stillMeans: (chosen: readonly InstanceRecord[]) => InstanceTest;
}

/** Pattern steps of a scan (see `Meter`), in which other work runs: a fraction of a second, up to five in the worst case. */
const MAX_STEPS = 50_000_000;

/** Pattern steps of the tests of changed instances, for which all writers wait: up to a tenth of a second. */
const MAX_STEPS_CHANGED = 1_000_000;

const TOO_COSTLY = {
  path: '/query/filter',
  message:
    'has patterns that are too costly for so many instances: make them simpler, or narrow them by a service, a namespace or a comparison without a pattern',
};

/** Picks all instances of the view in a scope that a selection contains. The view must be readable. */
@Injectable()
export class InstancePicker {
  constructor(
    private readonly view: CatalogView,
    private readonly scheduler: Scheduler,
    @Optional() private readonly maxSteps = MAX_STEPS,
  ) {}

  /** @throws InvalidFilterError when patterns are too costly for so many instances */
  async pick(question: PickQuestion): Promise<Picked> {
    const { selection } = question;
    const turn = this.scheduler.begin({ workClass: 'heavy', client: currentRequest()?.clientAddress ?? undefined });
    const test = new ScanTest(selection, this.maxSteps);
    const pace = new ScanPace(turn);
    await turn.next();
    const records = this.view.instancesIn(question);
    const instances: InstanceRecord[] = [];
    for (;;) {
      // Before the record is read, so that it is not tested as it was before other work changed it.
      if (pace.mustRest) await turn.next();
      const { value: record, done } = records.next();
      if (done) break;
      if (test.isSpent) throw new InvalidFilterError([TOO_COSTLY]);
      if (test.matches(record)) instances.push(record);
      pace.worked(1, test.steps);
    }
    return { instances, stillMeans: chosen => isStillSelected(selection, chosen) };
  }
}

function isStillSelected(selection: Selection, chosen: readonly InstanceRecord[]): InstanceTest {
  const versions = new Map(chosen.map(({ id, version }) => [id, version]));
  const isChangedSelected = matcher(selection, patternMeter(MAX_STEPS_CHANGED));
  return record => versions.get(record.id) === record.version || isChangedSelected(record);
}
