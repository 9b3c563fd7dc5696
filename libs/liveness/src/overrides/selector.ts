import { ALL_NAMESPACES, isEverything, type PickQuestion, type Selection, toSelection } from '@coordination/discovery';
import { InvalidFilterError, ValidationFailedError } from '@coordination/kernel';
import { type Selector } from './overrides.schemas.js';

/** Where the selector is in a request: the beginning of the JSON pointers of its errors. */
export type SelectorPlace = '/query' | '/selector';

/**
 * The question by which the instances of a selector are picked.
 * @throws ValidationFailedError when the selector has no condition and `all` is not true, so that a script with an empty
 * variable does not override every instance; InvalidFilterError for invalid filters
 */
export function toQuestion({ namespace, service, all, ...filters }: Selector, at: SelectorPlace): PickQuestion {
  const selection = toSelection(filters, 'any');
  const isNarrow = service !== undefined || !selectsEverything(selection);
  if (!isNarrow && !all)
    throw ValidationFailedError.at(at, 'has no condition: give a service, a host, a filter …, or all');
  if (isNarrow && all) throw ValidationFailedError.at(`${at}/all`, 'contradicts the other conditions');
  return { namespace: namespace === ALL_NAMESPACES ? null : namespace, service: service ?? null, selection };
}

const selectsEverything = (selection: Selection): boolean =>
  isEverything(selection) ||
  (selection.where?.kind === 'within-metadata' && Object.keys(selection.where.wanted).length === 0);

/** Runs work whose errors name filters as query parameters, and makes the errors name the place of the selector. */
export async function withErrorsAt<T>(at: SelectorPlace, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof InvalidFilterError)) throw error;
    const errors = error.extras.errors ?? [];
    throw new InvalidFilterError(errors.map(({ path, message }) => ({ path: path.replace(/^\/query/, at), message })));
  }
}
