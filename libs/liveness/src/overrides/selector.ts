import { ALL_NAMESPACES, isEverything, type PickQuestion, type Selection, toSelection } from '@coordination/discovery';
import { InvalidFilterError, ValidationFailedError } from '@coordination/kernel';
import { type Selector } from './overrides.schemas.js';

/** Where a request has its selector, as the beginning of the JSON pointers of its errors. */
export type SelectorPlace = '/query' | '/selector';

/**
 * Which instances a selector means.
 * @throws ValidationFailedError when it leaves nothing out and does not say `all`, so that a variable of a script that is
 * empty by mistake stops nobody; InvalidFilterError for filters that are none
 */
export function toQuestion({ namespace, service, all, ...filters }: Selector, at: SelectorPlace): PickQuestion {
  const selection = toSelection(filters, 'any');
  const isNarrow = service !== undefined || !leavesNothingOut(selection);
  if (!isNarrow && !all) throw refusal(at, 'names nothing that narrows it: give a service, a host, a filter …, or all');
  if (isNarrow && all) throw refusal(`${at}/all`, 'contradicts the rest, which leaves instances out');
  return { namespace: namespace === ALL_NAMESPACES ? null : namespace, service: service ?? null, selection };
}

const leavesNothingOut = (selection: Selection): boolean =>
  isEverything(selection) ||
  (selection.where?.kind === 'within-metadata' && Object.keys(selection.where.wanted).length === 0);

/** Filters tell of themselves as query parameters; their errors are to name the place where they stand. */
export async function told<T>(at: SelectorPlace, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof InvalidFilterError)) throw error;
    const errors = error.extras.errors ?? [];
    throw new InvalidFilterError(errors.map(({ path, message }) => ({ path: path.replace(/^\/query/, at), message })));
  }
}

const refusal = (path: string, message: string) => new ValidationFailedError([{ path, message }]);
