import { type OverloadBench } from '../overload-bench.js';
import { type ScenarioResult } from '../report.js';

/** What a scenario saw. */
export type Seen = Omit<ScenarioResult, 'name'>;

/** Something that is tried once, on a node of its own. */
export type Scenario = (bench: OverloadBench) => Promise<Seen>;
