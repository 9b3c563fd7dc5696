import { type IToken, tokenMatcher } from 'chevrotain';
import { findUnstorable, isStorableText, meantName, meantValue } from '@coordination/kernel';
import { type Expression, type Leaf, type Scalar, type Selector } from '../selection/expression.js';
import { type Comparison, type Syntax } from './filter-syntax.js';
import { shown } from './filter-messages.js';
import { TOKEN } from './filter-tokens.js';
import { MAX_INSTRUCTIONS, sizeOfPattern } from '../selection/pattern.js';
import { isCapabilities, isTags, kindOf, SELECTOR_NAMES, SELECTOR_ROOTS, toSelector } from './selectors.js';

/** Keys that may follow `metadata`: as many as the levels that metadata may have. */
const MAX_KEYS = 8;

/** Comparisons of a filter; each value of a list counts as one. */
const MAX_TERMS = 100;

/** Patterns of a filter; each is tested on every instance that the other terms select. */
const MAX_PATTERNS = 5;

/** An error in a filter, and its position. */
export class FilterMistake extends Error {
  constructor(
    message: string,
    readonly offset: number,
  ) {
    super(message);
  }
}

/** Counts the bounded parts of a filter. */
interface Usage {
  terms: number;
  patterns: number;
  instructions: number;
}

/**
 * Converts the syntax of a filter into an expression.
 * @throws FilterMistake for an unknown selector, a comparison that can never be true, and a filter that exceeds its bounds
 */
export const toExpression = (syntax: Syntax): Expression => convert(syntax, { terms: 0, patterns: 0, instructions: 0 });

function convert(syntax: Syntax, usage: Usage): Expression {
  switch (syntax.kind) {
    case 'and':
    case 'or':
      return { kind: syntax.kind, terms: syntax.terms.map(term => convert(term, usage)) };
    case 'not':
      return { kind: 'not', term: convert(syntax.term, usage) };
    case 'comparison': {
      count(syntax, usage);
      const leaf = toLeaf(syntax, usage);
      return syntax.isNegated ? { kind: 'not', term: leaf } : leaf;
    }
    default: {
      const impossible: never = syntax;
      return impossible;
    }
  }
}

function count({ selector: [name], values, operator, sign }: Comparison, usage: Usage): void {
  usage.terms += Math.max(1, values.length);
  if (usage.terms > MAX_TERMS) throw mistake(name, `a filter must not have more than ${MAX_TERMS} comparisons`);
  if (operator === 'matches') usage.patterns += 1;
  if (usage.patterns > MAX_PATTERNS) throw mistake(sign, `a filter must not have more than ${MAX_PATTERNS} patterns`);
}

function toLeaf({ selector: path, operator, sign, values }: Comparison, usage: Usage): Leaf {
  const of = resolve(path);
  const kind = kindOf(of);
  if (!kind.operators.has(operator)) {
    throw mistake(sign, `\`${sign.image}\` cannot be applied to ${nameOf(path)}, which is ${kind.is}`);
  }
  const scalars = values.map(token => {
    const value = toScalar(token);
    const isPossible =
      kind.types.has(typeOf(value)) &&
      (operator !== 'equal' || kind.choices === undefined || kind.choices.includes(String(value)));
    if (!isPossible)
      throw mistake(
        token,
        `${nameOf(path)} is ${kind.is}, and is never compared with ${shown(token)}${meantValue(value, kind.choices ?? [])}`,
      );
    return { value, token };
  });
  const [first] = scalars;
  if (operator === 'empty' || first === undefined) return { kind: 'empty', of };
  if (operator === 'equal') return { kind: 'equal', of, anyOf: scalars.map(({ value }) => value) };
  if (operator === 'contains') return toContains(of, first.value);
  if (operator === 'matches') return { kind: 'matches', of, pattern: toPattern(first.value, first.token, usage) };
  return { kind: 'ordered', of, by: operator, than: toComparable(first.value, first.token) };
}

function resolve([name, ...keys]: Comparison['selector']): Selector {
  const selector = toSelector(name.image, keys.map(toKey));
  if (selector === undefined) {
    const [key] = keys;
    if (key && SELECTOR_NAMES.includes(name.image)) throw mistake(key, `${name.image} has no keys`);
    const meant = meantName(name.image, SELECTOR_ROOTS);
    const hint = meant === undefined ? '; there' : `: did you mean ${meant}? There`;
    throw mistake(name, `there is no selector ${shown(name)}${hint} are ${SELECTOR_NAMES.join(', ')}`);
  }
  const last = keys[MAX_KEYS];
  if (last !== undefined) throw mistake(last, `metadata has no more than ${MAX_KEYS} levels`);
  return selector;
}

const toKey = (token: IToken): string => (tokenMatcher(token, TOKEN.Key) ? token.image.slice(1) : toText(token));

/** Tags are an object and capabilities a list, as in the query parameters of these names. */
function toContains(of: Selector, value: Scalar): Leaf {
  if (isTags(of)) return { kind: 'present', of: ['metadata', 'tags', String(value)] };
  if (isCapabilities(of)) return { kind: 'within-metadata', wanted: { capabilities: [value] } };
  return { kind: 'contains', of, value };
}

function toPattern(value: Scalar, token: IToken, usage: Usage): string {
  if (typeof value !== 'string') throw mistake(token, `expected a pattern as text, found ${shown(token)}`);
  const size = sizeOfPattern(value);
  if (typeof size === 'string') throw mistake(token, size);
  usage.instructions += size;
  if (usage.instructions > MAX_INSTRUCTIONS) {
    throw mistake(token, 'the patterns of this filter are too complex: use fewer or smaller repetitions');
  }
  return value;
}

function toComparable(value: Scalar, token: IToken): string | number {
  if (typeof value === 'string' || typeof value === 'number') return value;
  throw mistake(token, `only numbers and texts have an order, and ${shown(token)} is neither`);
}

function toScalar(token: IToken): Scalar {
  if (tokenMatcher(token, TOKEN.Text) || tokenMatcher(token, TOKEN.Raw)) return toText(token);
  const value = JSON.parse(token.image) as Scalar;
  const [problem] = findUnstorable(value);
  if (problem) throw mistake(token, `the value ${problem.message}`);
  return value === 0 ? 0 : value; // JSON has no -0
}

function toText(token: IToken): string {
  const text = tokenMatcher(token, TOKEN.Raw) ? token.image.slice(1, -1) : fromJson(token);
  if (!isStorableText(text)) throw mistake(token, 'a text must not contain U+0000 or half a surrogate pair');
  return text;
}

function fromJson(token: IToken): string {
  try {
    return JSON.parse(token.image) as string;
  } catch {
    throw mistake(token, 'the text that begins here contains something that JSON does not allow');
  }
}

const typeOf = (value: Scalar) => (value === null ? 'null' : (typeof value as 'string' | 'number' | 'boolean'));

const nameOf = (path: Comparison['selector']): string => path.map(shown).join('');

const mistake = (token: IToken, message: string): FilterMistake => new FilterMistake(message, token.startOffset);
