import { type FieldError } from './errors.js';
import { issueMessage, type ValidationIssue } from './issue-message.js';
import { pointerToken } from './json-safety.js';

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
  return [{ path, message: issueMessage(issue) }];
}

/** The member of a union that the value came closest to: the one whose complaint lies deepest, and is shortest. */
function closestMember(members: ValidationIssue['errors']): readonly ValidationIssue[] | undefined {
  return members
    ?.filter(issues => issues.length > 0)
    .sort((a, b) => depth(b) - depth(a) || a.length - b.length)
    .find(issues => depth(issues) > 0);
}

const depth = (issues: readonly ValidationIssue[]): number => Math.max(...issues.map(issue => issue.path?.length ?? 0));

const keyOf = (segment: PropertyKey | { readonly key: PropertyKey }): string =>
  String(typeof segment === 'object' ? segment.key : segment);
