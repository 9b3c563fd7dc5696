/** The scenarios, in the order in which they are run. */
export const SCENARIO_NAMES = [
  'unnarrowed',
  'stalled',
  'stalled-changing',
  'descriptors',
  'silent-names',
  'paused',
] as const;

export type ScenarioName = (typeof SCENARIO_NAMES)[number];
