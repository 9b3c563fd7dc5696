import { type FieldError } from './errors.js';
import { pointerToken } from './json-safety.js';

/** An issue as zod reports it through the Standard Schema interface; other libraries give less. */
export interface ValidationIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
  readonly code?: string;
  /** The type that was wanted, with `invalid_type`. */
  readonly expected?: string;
  /** The keys that a strict object does not know. */
  readonly keys?: readonly string[];
  /** What each member of a union had to say. */
  readonly errors?: readonly (readonly ValidationIssue[])[];
}

/** The most bad fields that one answer names. */
const MAX_FIELDS = 100;

/** The bad fields that issues speak of, each by its JSON pointer below `base`. */
export function toFieldErrors(issues: readonly ValidationIssue[], base: string): FieldError[] {
  const fields = issues.flatMap(issue => fieldsOf(issue, base));
  if (fields.length <= MAX_FIELDS) return fields;
  const rest = fields.length - MAX_FIELDS;
  return [...fields.slice(0, MAX_FIELDS), { path: base, message: `has ${rest} more bad fields` }];
}

function fieldsOf(issue: ValidationIssue, base: string): FieldError[] {
  const path = base + (issue.path ?? []).map(segment => `/${pointerToken(keyOf(segment))}`).join('');
  if (issue.code === 'unrecognized_keys' && issue.keys) {
    return issue.keys.map(key => ({ path: `${path}/${pointerToken(key)}`, message: 'is not known here' }));
  }
  const closest = issue.code === 'invalid_union' ? closestMember(issue.errors) : undefined;
  if (closest) return closest.flatMap(inner => fieldsOf(inner, path));
  return [{ path, message: messageOf(issue) }];
}

/** The member of a union that the value came closest to: the one whose complaint lies deepest, and is shortest. */
function closestMember(members: ValidationIssue['errors']): readonly ValidationIssue[] | undefined {
  const depth = (issues: readonly ValidationIssue[]) => Math.max(...issues.map(issue => issue.path?.length ?? 0));
  return members
    ?.filter(issues => issues.length > 0)
    .sort((a, b) => depth(b) - depth(a) || a.length - b.length)
    .find(issues => depth(issues) > 0);
}

const keyOf = (segment: PropertyKey | { readonly key: PropertyKey }): string =>
  String(typeof segment === 'object' ? segment.key : segment);

/** Types in words that callers know, whatever their language calls them. */
const TYPE_NAMES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'an object',
  record: 'an object',
  array: 'a list',
};

function messageOf({ code, expected, message }: ValidationIssue): string {
  if (code !== 'invalid_type' || !message.startsWith('Invalid input')) return message;
  if (message.endsWith('received undefined')) return 'is required';
  return expected === undefined ? message : `must be ${TYPE_NAMES[expected] ?? expected}`;
}
