import { type FieldError } from '../errors/errors.js';
import { shownToken } from '../json/json-safety.js';
import { giveContext } from './issue-context.js';
import { issueMessage, type ValidationIssue } from './issue-message.js';
import { unknownName } from './unknown-name.js';

giveContext();

/** The most bad fields that one answer names. */
const MAX_FIELDS = 100;

/** A bad field of an issue. Its message is composed only if it is used, because that takes longer. */
interface Finding {
  readonly path: string;
  readonly issue: ValidationIssue;
  /** The name that is not known; absent where the issue is about something else. */
  readonly unknown?: string;
}

/** The bad fields of issues, each by its JSON pointer below `base`. */
export function toFieldErrors(issues: readonly ValidationIssue[], base: string): FieldError[] {
  const findings = issues.flatMap(issue => findingsOf(issue, base));
  const listed = new Set<string>();
  const fields = findings
    .slice(0, MAX_FIELDS)
    .map(finding => ({ path: finding.path, message: messageOf(finding, listed) }));
  const rest = findings.length - MAX_FIELDS;
  return rest > 0 ? [...fields, { path: base, message: `has ${rest} more bad fields` }] : fields;
}

function findingsOf(issue: ValidationIssue, base: string): Finding[] {
  const path = base + (issue.path ?? []).map(segment => `/${shownToken(keyOf(segment))}`).join('');
  if (issue.code === 'unrecognized_keys' && issue.keys) {
    return issue.keys.map(key => ({ path: `${path}/${shownToken(key)}`, issue, unknown: key }));
  }
  const closest = issue.code === 'invalid_union' ? closestMember(issue.errors) : undefined;
  if (closest) return closest.flatMap(inner => findingsOf(inner, path));
  return [{ path, issue }];
}

/** @param listed the known names that earlier messages list, so that a hundred wrong members do not repeat them */
function messageOf({ issue, unknown }: Finding, listed: Set<string>): string {
  if (unknown === undefined) return issueMessage(issue);
  const names = issue.known?.join() ?? '';
  const isListed = !listed.has(names);
  listed.add(names);
  return unknownName(unknown, issue.known, isListed);
}

/** The member of a union that is most similar to the value: the one with the deepest issue, and the fewest issues. */
function closestMember(members: ValidationIssue['errors']): readonly ValidationIssue[] | undefined {
  return members
    ?.filter(issues => issues.length > 0)
    .sort((a, b) => depth(b) - depth(a) || a.length - b.length)
    .find(issues => depth(issues) > 0);
}

const depth = (issues: readonly ValidationIssue[]): number => Math.max(...issues.map(issue => issue.path?.length ?? 0));

const keyOf = (segment: PropertyKey | { readonly key: PropertyKey }): string =>
  String(typeof segment === 'object' ? segment.key : segment);
