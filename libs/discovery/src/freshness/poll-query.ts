import { type CatalogChange, concernOf, type FeedScope } from '@coordination/catalog';
import { patternMeter } from '../selection/pattern-meter.js';
import { matcher, type Selection } from '../selection/selection.js';

/** How many steps patterns may take while a question is held (0.1 s in the worst case); then it is answered rather than held. */
const MAX_PATTERN_STEPS = 1_000_000;

/** Says of changes whether they alter an answer. */
export type Concerns = (change: CatalogChange) => boolean;

/** What a request that waits asks, as far as it matters to when it is answered. */
export interface PollQuery {
  /** Equal texts for equal questions: those who ask the same wait together. */
  readonly key: string;
  readonly scope: FeedScope;
  /** Makes what judges changes. It must be true also of those of which it cannot say. */
  readonly judge: () => Concerns;
}

const EVERYWHERE: FeedScope = { namespace: null, service: null };

/** The list of namespaces: it tells how many instances there are. */
export const NAMESPACES_QUESTION: PollQuery = {
  key: 'namespaces',
  scope: EVERYWHERE,
  judge:
    () =>
    ({ before, after }) =>
      (before === null) !== (after === null),
};

/** Which instances are selected, or what there is to say of them: what enters the selection, is in it, or leaves it. */
export function instancesQuestion(scope: FeedScope, selection: Selection): PollQuery {
  return {
    key: JSON.stringify([scope.namespace, scope.service, selection]),
    scope,
    judge: () => {
      const matches = matcher(selection, patternMeter(MAX_PATTERN_STEPS));
      return change => {
        try {
          return concernOf(change, matches) !== 'none';
        } catch {
          return true; // Patterns were too costly: whoever asks again is told what is.
        }
      };
    },
  };
}
