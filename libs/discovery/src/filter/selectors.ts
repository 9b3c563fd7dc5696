import { INSTANCE_TYPES, SCHEMES, STATUSES } from '@coordination/catalog';
import { type Field, type Selector } from '../selection/expression.js';
import { type Operator } from './filter-syntax.js';

/** The kind of value that a selector selects, which determines the operators that apply to it. */
export interface ValueKind {
  /** For people: `port is …`. */
  readonly is: string;
  readonly operators: ReadonlySet<Operator>;
  /** The possible types of its value; for `contains`, those of the elements or keys. */
  readonly types: ReadonlySet<'string' | 'number' | 'boolean' | 'null'>;
  /** The only possible values. */
  readonly choices?: readonly string[];
}

const ORDER = ['<', '<=', '>', '>='] as const;

const kind = (
  is: string,
  operators: readonly Operator[],
  types: Iterable<'string' | 'number' | 'boolean' | 'null'>,
) => ({
  is,
  operators: new Set(operators),
  types: new Set(types),
});

const TEXT = kind('text', ['equal', ...ORDER, 'contains', 'matches'], ['string']);
const TEXT_OR_NULL = kind('text or null', ['equal', ...ORDER, 'contains', 'matches', 'empty'], ['string', 'null']);
const NUMBER = kind('a number', ['equal', ...ORDER], ['number']);
const choice = (choices: readonly string[]): ValueKind => ({
  ...kind(`one of ${choices.join(', ')}`, ['equal', 'contains', 'matches'], ['string']),
  choices,
});

const KINDS: Readonly<Record<Field, ValueKind>> = {
  namespace: TEXT,
  service: TEXT,
  instanceId: TEXT,
  incarnation: TEXT_OR_NULL,
  incarnationNumber: NUMBER,
  host: TEXT,
  type: choice(INSTANCE_TYPES),
  scheme: choice(SCHEMES),
  status: choice(STATUSES),
  port: NUMBER,
  weight: NUMBER,
  zone: TEXT_OR_NULL,
};

const OBJECT = kind('an object', ['contains', 'empty'], ['string']);
const LIST = kind('a list of texts', ['contains', 'empty'], ['string']);
const ANY = kind(
  'any JSON',
  ['equal', ...ORDER, 'contains', 'matches', 'empty'],
  ['string', 'number', 'boolean', 'null'],
);

/** Names that select a part of the metadata. */
const SHORT_FORMS: Readonly<Record<string, Selector>> = {
  metadata: ['metadata'],
  tags: ['metadata', 'tags'],
  capabilities: ['metadata', 'capabilities'],
};

/** All selectors, for people. */
export const SELECTOR_NAMES: readonly string[] = [
  ...Object.keys(KINDS),
  'metadata.<key>',
  'tags.<key>',
  'capabilities',
];

/** The names with which a selector begins. */
export const SELECTOR_ROOTS: readonly string[] = [...Object.keys(KINDS), ...Object.keys(SHORT_FORMS)];

/** The selector of a name and the keys after it; undefined when there is none. */
export function toSelector(name: string, keys: readonly string[]): Selector | undefined {
  if (Object.hasOwn(KINDS, name)) return keys.length === 0 ? [name as Field] : undefined;
  if (!Object.hasOwn(SHORT_FORMS, name)) return undefined;
  const [, ...path] = SHORT_FORMS[name]!;
  return ['metadata', ...path, ...keys];
}

export function kindOf(selector: Selector): ValueKind {
  if (selector[0] !== 'metadata') return KINDS[selector[0]];
  if (selector.length === 1 || isTags(selector)) return OBJECT;
  return isCapabilities(selector) ? LIST : ANY;
}

/** Whether this selects all tags, which are an object, whatever the metadata contains in their place. */
export const isTags = (selector: Selector): boolean => selector.length === 2 && selector[1] === 'tags';

/** Whether this selects the capabilities, which are a list, whatever the metadata contains in their place. */
export const isCapabilities = (selector: Selector): boolean => selector.length === 2 && selector[1] === 'capabilities';
