import { type CatalogChange, concernOf, EVERYWHERE, type Scope } from '@coordination/catalog';
import { patternMeter } from '../selection/pattern-meter.js';
import { matcher, type Selection } from '../selection/selection.js';

/** How many steps patterns may take while a request is held (0.1 s in the worst case); after that it is answered. */
const MAX_PATTERN_STEPS = 1_000_000;

/** Whether a change affects the response to a query. It must be true when it cannot decide. */
export type ChangeTest = (change: CatalogChange) => boolean;

/** What a long poll waits for. */
export interface PollQuery {
  /** Equal keys for equal queries: their requests wait together. */
  readonly key: string;
  readonly scope: Scope;
  readonly newTest: () => ChangeTest;
}

/** The list of namespaces, which shows how many instances each has. */
export const NAMESPACES_POLL: PollQuery = {
  key: 'namespaces',
  scope: EVERYWHERE,
  newTest:
    () =>
    ({ before, after }) =>
      (before === null) !== (after === null),
};

/** Instances, or a summary of them: affected by an instance that enters the selection, changes in it, or leaves it. */
export function instancesPoll(scope: Scope, selection: Selection): PollQuery {
  return {
    key: JSON.stringify([scope.namespace, scope.service, selection]),
    scope,
    newTest: () => {
      const matches = matcher(selection, patternMeter(MAX_PATTERN_STEPS));
      return change => {
        try {
          return concernOf(change, matches) !== 'none';
        } catch {
          return true; // The patterns are too costly to hold the request any longer.
        }
      };
    },
  };
}
