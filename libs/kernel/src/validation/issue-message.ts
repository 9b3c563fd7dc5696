import { type IssueContext } from './issue-context.js';
import { meantValue } from './unknown-name.js';

/** An issue as zod reports it through the Standard Schema interface; other libraries give less. */
export interface ValidationIssue extends IssueContext {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
  readonly code?: string;
  /** The type that was wanted, with `invalid_type`. */
  readonly expected?: string;
  /** What was measured, with `too_big` and `too_small`: `string`, `number`, `int`, `array`. */
  readonly origin?: string;
  readonly minimum?: number | bigint;
  readonly maximum?: number | bigint;
  /** The form that was wanted, with `invalid_format`. */
  readonly format?: string;
  /** The values that were possible, with `invalid_value`. */
  readonly values?: readonly unknown[];
  /** The keys that a strict object does not know. */
  readonly keys?: readonly string[];
  /** The issues of each member of a union. */
  readonly errors?: readonly (readonly ValidationIssue[])[];
}

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

const FORMAT_NAMES: Readonly<Record<string, string>> = {
  uuid: 'a UUID',
  datetime: 'a time after RFC 3339, such as 2026-11-23T08:15:30Z',
};

/** What is counted in a thing that is too long or too short; numbers are compared as they are. */
const UNITS: Readonly<Record<string, string>> = { string: ' characters', array: ' entries' };

/** How zod begins when the schema has no words of its own. */
const ZODS_OWN_WORDS = /^(Invalid|Too big|Too small)/;

/** What is wrong, in words that continue the name of the field: "port must be at most 65535". */
export function issueMessage(issue: ValidationIssue): string {
  if (!ZODS_OWN_WORDS.test(issue.message)) return issue.message;
  switch (issue.code) {
    case 'invalid_type':
      if (issue.message.endsWith('received undefined')) return 'is required';
      return `must be ${TYPE_NAMES[issue.expected ?? ''] ?? issue.expected}`;
    case 'too_big':
      return bounded(issue, 'at most', issue.maximum);
    case 'too_small':
      return bounded(issue, 'at least', issue.minimum);
    case 'invalid_format':
      return `must be ${FORMAT_NAMES[issue.format ?? ''] ?? `of the form ${issue.format}`}`;
    case 'invalid_value':
      return `must be ${issue.values?.length === 1 ? '' : 'one of '}${issue.values?.join(', ')}${meantValue(issue.given, issue.values ?? [])}`;
    default:
      return issue.message;
  }
}

function bounded({ origin = '' }: ValidationIssue, bound: string, limit: number | bigint | undefined): string {
  const unit = UNITS[origin];
  return unit === undefined ? `must be ${bound} ${limit}` : `must have ${bound} ${limit}${unit}`;
}
