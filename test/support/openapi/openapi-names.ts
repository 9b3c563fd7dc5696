/**
 * Names that mean something already where generated classes live, in lower case: of java.lang and java.util, of JavaScript and
 * TypeScript, of Go's and Python's builtins, and what generators themselves call their helpers.
 */
export const RESERVED_TYPES: ReadonlySet<string> = new Set(
  `Object Error Exception Date Time Event Map Set List Array Enum Type String Number Boolean Integer Long Short Byte Double Float
  Character Void Null None Undefined Never Unknown Any Function Class Record Module Package Process Runtime System Thread
  Override Deprecated Iterable Iterator Comparable Cloneable Optional Collection Locale Calendar Timer Random Scanner Properties
  Symbol Promise Proxy Reflect Math JSON Intl RegExp Request Response Headers URL Blob File Body Window Document Node Element
  Interface Struct Default Import Export Return Public Private Protected Static Abstract Final Final New Delete
  Client Configuration ApiClient ApiException ApiResponse Pair Unset HTTPClient Params Option Options Result Context Self`
    .toLowerCase()
    .split(/\s+/),
);

/** Words that no method can be called in Java, Go, Python or TypeScript. */
export const RESERVED_METHODS: ReadonlySet<string> = new Set(
  'delete get set new class import export default return switch case for while do if else try catch finally throw this super in is not and or with as from global pass raise yield lambda func go defer chan select range var let const type package interface'.split(
    ' ',
  ),
);

/** What generators make of the id of an operation, besides the method. */
const SUFFIXES = [
  'Request',
  'Response',
  'Params',
  'RequestBody',
  'JsonRequestBody',
  'JsonBody',
  'Res',
  'Req',
  'Operation',
];

/** Components that differ from one another, or from what generators make of operations, in case or signs alone. */
export function clashesOf(components: readonly string[], operationIds: readonly string[]): string[] {
  const made = operationIds.flatMap(id => SUFFIXES.map(suffix => `${id}${suffix}`));
  const seen = new Map<string, string>();
  const clashes: string[] = [];
  for (const name of [...made, ...components]) {
    const spelt = name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
    const other = seen.get(spelt);
    if (other !== undefined) clashes.push(`${name} and ${other}`);
    seen.set(spelt, name);
  }
  return clashes;
}
