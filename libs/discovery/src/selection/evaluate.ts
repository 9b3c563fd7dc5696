import { type InstanceRecord } from '@coordination/catalog';
import { isJsonArray, isJsonObject, type JsonValue } from '@coordination/kernel';
import {
  type Expression,
  type Field,
  hasPattern,
  type Leaf,
  type Order,
  type Scalar,
  type Selector,
} from './expression.js';
import { type Meter, patternTest, type TextTest } from './pattern.js';
import { containsJson } from './json-containment.js';
import { versionTest } from './version-range.js';

/** The part of an instance that expressions can test. */
export type FilterSubject = Pick<InstanceRecord, Field | 'metadata'>;

type Test = (record: FilterSubject) => boolean;
type ValueTest = (value: JsonValue) => boolean;

/** Makes another test of texts that has the same results, such as one that remembers them. */
export type Wrap = (test: TextTest) => TextTest;

const AS_IT_IS: Wrap = test => test;

/**
 * Compiles an expression into a test of instances, which is cheap apart from patterns. Of the terms of `and` and `or`, those
 * without a pattern are tested first.
 * @param meter is called with the cost of patterns
 * @param wrap is applied to the tests of single texts that are costly: patterns and version ranges
 */
export function evaluator(expression: Expression, meter: Meter, wrap = AS_IT_IS): Test {
  switch (expression.kind) {
    case 'and': {
      const tests = cheapestFirst(expression.terms).map(term => evaluator(term, meter, wrap));
      return record => tests.every(test => test(record));
    }
    case 'or': {
      const tests = cheapestFirst(expression.terms).map(term => evaluator(term, meter, wrap));
      return record => tests.some(test => test(record));
    }
    case 'not': {
      const test = evaluator(expression.term, meter, wrap);
      return record => !test(record);
    }
    default:
      return leafTest(expression, meter, wrap);
  }
}

const cheapestFirst = (terms: readonly Expression[]): readonly Expression[] =>
  terms.toSorted((a, b) => Number(hasPattern(a)) - Number(hasPattern(b)));

function leafTest(leaf: Leaf, meter: Meter, wrap: Wrap): Test {
  switch (leaf.kind) {
    case 'equal':
      return ofPresent(leaf.of, value => leaf.anyOf.some(wanted => value === wanted));
    case 'ordered':
      return ofPresent(leaf.of, orderTest(leaf.by, leaf.than));
    case 'contains':
      return ofPresent(leaf.of, value => has(value, leaf.value));
    case 'matches': {
      const test = wrap(patternTest(leaf.pattern, meter));
      return ofPresent(leaf.of, value => typeof value === 'string' && test(value));
    }
    case 'empty': {
      const read = reader(leaf.of);
      return record => isEmpty(read(record));
    }
    case 'present':
      return ofPresent(leaf.of, () => true);
    case 'within-metadata':
      return ({ metadata }) => containsJson(metadata, leaf.wanted);
    case 'version': {
      const test = wrap(versionTest(leaf.range));
      return ({ metadata: { version } }) => typeof version === 'string' && test(version);
    }
    default: {
      const impossible: never = leaf;
      return impossible;
    }
  }
}

/** Comparisons with a missing value are false. */
function ofPresent(of: Selector, test: ValueTest): Test {
  const read = reader(of);
  return record => {
    const value = read(record);
    return value !== undefined && test(value);
  };
}

function reader(selector: Selector): (record: FilterSubject) => JsonValue | undefined {
  if (selector[0] !== 'metadata') {
    const [field] = selector;
    return record => record[field];
  }
  const [, ...keys] = selector;
  return ({ metadata }) => {
    let value: JsonValue | undefined = metadata;
    for (const key of keys) value = memberOf(value, key);
    return value;
  };
}

const memberOf = (value: JsonValue | undefined, key: string): JsonValue | undefined =>
  isJsonObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;

function orderTest(by: Order, than: string | number): ValueTest {
  const holds = HOLDS[by];
  if (typeof than === 'number') return value => typeof value === 'number' && holds(value - than);
  // UTF-8 sorts by code points; UTF-16, and so `<`, does not.
  const bytes = Buffer.from(than);
  return value => typeof value === 'string' && holds(Buffer.compare(Buffer.from(value), bytes));
}

const HOLDS: Readonly<Record<Order, (difference: number) => boolean>> = {
  '<': difference => difference < 0,
  '<=': difference => difference <= 0,
  '>': difference => difference > 0,
  '>=': difference => difference >= 0,
};

function has(value: JsonValue, wanted: Scalar): boolean {
  if (isJsonArray(value)) return value.includes(wanted);
  if (typeof wanted !== 'string') return false;
  return typeof value === 'string' ? value.includes(wanted) : isJsonObject(value) && Object.hasOwn(value, wanted);
}

function isEmpty(value: JsonValue | undefined): boolean {
  if (value === undefined || value === null || value === '') return true;
  if (isJsonArray(value)) return value.length === 0;
  return isJsonObject(value) && Object.keys(value).length === 0;
}
