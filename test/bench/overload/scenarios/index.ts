import { idleSockets } from './idle-sockets.js';
import { type ScenarioName } from './names.js';
import { paused } from './paused.js';
import { type Scenario } from './scenario.js';
import { silentNames } from './silent-names.js';
import { stalled, stalledWhileChanging } from './stalled.js';
import { unnarrowed } from './unnarrowed.js';

/** All scenarios by name. */
export const SCENARIOS: Readonly<Record<ScenarioName, Scenario>> = {
  unnarrowed,
  stalled,
  'stalled-changing': stalledWhileChanging,
  descriptors: idleSockets,
  'silent-names': silentNames,
  paused,
};
