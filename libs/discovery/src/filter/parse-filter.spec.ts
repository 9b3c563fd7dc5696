import { describe, expect, it } from 'vitest';
import { createFilterParser } from './parse-filter.js';

const parse = createFilterParser();

const meaningOf = (text: string) => {
  const parsed = parse(text);
  if ('complaint' in parsed) throw new Error(`${text}: ${parsed.complaint}`);
  return parsed.expression;
};

const complaintAbout = (text: string) => {
  const parsed = parse(text);
  return 'complaint' in parsed ? parsed.complaint : undefined;
};

const same = (one: string, other: string) => expect(meaningOf(one)).toEqual(meaningOf(other));

describe('a filter', () => {
  it('has not bind closer than and, and and closer than or', () => {
    const [a, b, c] = ['zone == "a"', 'zone == "b"', 'zone == "c"'] as const;
    same(`${a} or ${b} and ${c}`, `(${a}) or ((${b}) and (${c}))`);
    same(`${a} and ${b} or ${c}`, `((${a}) and (${b})) or (${c})`);
    same(`not ${a} and ${b}`, `(not (${a})) and (${b})`);
    same(`not not not ${a}`, `not ${a}`);
    same(`not not ${a}`, a);
    expect(meaningOf(`(${a} or ${b}) and ${c}`)).toMatchObject({ kind: 'and', terms: [{ kind: 'or' }, {}] });
    expect(meaningOf(`not (${a} and ${b})`)).toMatchObject({ kind: 'not', term: { kind: 'and' } });
  });

  it.each([
    ['zone != "a"', 'not zone == "a"'],
    ['zone not in ["a", "b"]', 'not zone in ["a","b"]'],
    ['"a" in host', 'host contains "a"'],
    ['"a" not in host', 'host not contains "a"'],
    ['host not matches "a"', 'not host matches `a`'],
    ['zone is not empty', 'not zone is empty'],
    ['tags.team == "a"', 'metadata.tags.team == "a"'],
    ['tags["team"] == "a"', 'metadata["tags"].team == "a"'],
    ['capabilities contains "a"', '"a" in metadata.capabilities'],
    ['"a" in tags', 'metadata.tags contains "a"'],
    ['metadata.a == 1', 'metadata.a==1.0'],
    ['metadata.a == 0', 'metadata.a == -0'],
    ['metadata.a == "\\u0041\\n"', 'metadata.a == `A\n`'],
    [' ( zone\n==\t"a" ) ', 'zone=="a"'],
  ])('means the same: %s and %s', same);

  it.each<[string, readonly string[]]>([
    ['metadata.and.or.not.in', ['and', 'or', 'not', 'in']],
    ['metadata.a-b.0.true', ['a-b', '0', 'true']],
    ['metadata["a b"]["c.d"].e', ['a b', 'c.d', 'e']],
    ['metadata[`a"\\`]["\\"]"]', ['a"\\', '"]']],
    ['metadata.__proto__.constructor', ['__proto__', 'constructor']],
  ])('takes any key: %s', (selector, keys) => {
    expect(meaningOf(`${selector} == null`)).toEqual({ kind: 'equal', of: ['metadata', ...keys], anyOf: [null] });
  });

  it('has names that begin as keywords do', () => {
    expect(complaintAbout('inside == 1')).toContain('no selector inside');
    expect(complaintAbout('instanceId == "a"')).toBeUndefined();
    expect(complaintAbout('notzone is empty')).toContain('no selector notzone');
  });

  it('knows nothing of the text before', () => {
    const good = 'zone == "a" or port == 1';
    const first = meaningOf(good);
    expect(complaintAbout('zone == "a" or')).toContain('at character');
    expect(complaintAbout('((zone == "a"')).toContain('at character');
    expect(meaningOf(good)).toEqual(first);
  });
});

describe('an invalid filter is reported with the position', () => {
  it.each<[string, string, number]>([
    ['', 'found the end', 1],
    ['zone', 'expected `==`', 5],
    ['zone ==', 'expected text in double quotes', 8],
    ['zone = "a"', 'expected `==`', 6],
    ['zone == a', 'found a', 9],
    ["zone == 'a'", 'double quotes', 9],
    ['zone == "a', 'does not end', 9],
    ['zone == `a', 'does not end', 9],
    ['zone == "\\x"', 'JSON', 9],
    ['zone == "a\tb"', 'JSON', 9],
    ['zone == "a\\"', 'does not end', 9],
    ['zone == "a" zone', 'expected `and`, `or` or the end, found zone', 13],
    ['zone == "a" and', 'found the end', 16],
    ['zone == "a" AND port == 1', 'found AND', 13],
    ['(zone == "a"', 'expected `)`', 13],
    ['zone == "a")', 'found )', 12],
    ['zone is full', 'expected `empty`', 9],
    ['zone not == "a"', 'expected `in`, `contains` or `matches`', 10],
    ['zone in "a"', 'expected `[`', 9],
    ['zone in []', 'found ]', 10],
    ['zone in ["a",]', 'found ]', 14],
    ['metadata. a == 1', 'no sign "."', 9],
    ['metadata["a" == 1', 'expected `]`', 14],
    ['metadata[0] == 1', 'found 0', 10],
    ['"a" == zone', 'expected `in`', 5],
    ['zone == 01', 'found 1', 10],
    ['name == "a"', 'there is no selector name', 1],
    ['constructor == "a"', 'there is no selector constructor', 1],
    ['__proto__.a == "a"', 'there is no selector __proto__', 1],
    ['zone.a == "a"', 'zone has no keys', 5],
    ['host == "a" and port contains "8"', '`contains` cannot be applied to port, which is a number', 22],
    ['weight matches "1"', '`matches` cannot be applied to weight', 8],
    ['port is empty', '`empty` cannot be applied to port', 9],
    ['service is not empty', '`empty` cannot be applied to service', 16],
    ['status == "nonsense"', 'status is one of healthy', 11],
    ['status in ["healthy", "nonsense"]', 'status is one of healthy', 23],
    ['status < "healthy"', '`<` cannot be applied to status', 8],
    ['type != "toaster"', 'type is one of api', 9],
    ['port == "80"', 'port is a number, and is never compared with "80"', 9],
    ['zone == 1', 'zone is text or null', 9],
    ['service == null', 'service is text', 12],
    ['capabilities == "a"', 'capabilities, which is a list', 14],
    ['1 in capabilities', 'capabilities is a list of texts', 1],
    ['tags == "a"', 'tags, which is an object', 6],
    ['metadata == 1', 'metadata, which is an object', 10],
    ['metadata.a > true', 'only numbers and texts have an order', 14],
    ['metadata.a matches 1', 'expected a pattern as text', 20],
    ['metadata.a matches "("', 'not valid in RE2', 20],
    ['metadata.a matches "(?=a)"', 'not valid in RE2', 20],
    ['metadata.a matches "(a)\\\\1"', 'not valid in RE2', 20],
    ['metadata.a matches "((a{30}){30}){30}"', 'RE2', 20],
    ['metadata.a matches "\\\\pL{300}"', 'too complex', 20],
    ['metadata.a == 9007199254740993', '2^53', 15],
    ['metadata.a == 1e400', 'beyond the range', 15],
    ['metadata.a == "\\u0000"', 'U+0000', 15],
    ['metadata.a == "\\ud800"', 'surrogate', 15],
    ['metadata["\\u0000"] == 1', 'U+0000', 10],
    ['zone == "😀" x', 'found x', 13],
    ['zone == "a" 😀', 'no sign "😀"', 13],
  ])('%s', (text, complaint, position) => {
    expect(complaintAbout(text)).toContain(complaint);
    expect(complaintAbout(text)).toMatch(new RegExp(`, at character ${position}$`));
  });

  it.each<[string, string]>([
    ['parentheses', '('.repeat(2_000)],
    ['closed parentheses', `${'('.repeat(900)}zone is empty${')'.repeat(900)}`],
    ['not', 'not '.repeat(500)],
    ['terms', Array(101).fill('port == 1').join(' or ')],
    ['values', `port in [${Array(101).fill('1').join(',')}]`],
    ['patterns', Array(6).fill('host matches "a"').join(' or ')],
    ['keys', `metadata${'.a'.repeat(900)} is empty`],
    ['keys in brackets', `metadata${'["a"]'.repeat(390)} is empty`],
    ['brackets', '['.repeat(2_000)],
    ['quotes', '"'.repeat(1_999)],
    ['an open text', `"${'\\u0041'.repeat(333)}`],
    ['backslashes', `"${'\\'.repeat(1_999)}`],
    ['digits', `${'1'.repeat(1_980)} in metadata.a`],
    ['an exponent', `metadata.a == 1e${'9'.repeat(1_980)}`],
    ['a pattern', `host matches "${'a'.repeat(201)}"`],
    ['a name', 'a'.repeat(2_000)],
  ])('when there is no end of it: %s', (_, text) => {
    const complaint = complaintAbout(text);
    expect(complaint).toMatch(/, at character \d+$/);
    expect(complaint!.length).toBeLessThan(400);
  });

  it('and what is just within the bounds is none', () => {
    const good = [
      `${'('.repeat(20)}zone is empty${')'.repeat(20)}`,
      `${'not '.repeat(490)}zone is empty`,
      Array(100).fill('port == 1').join(' or '),
      `metadata${'.a'.repeat(8)} is empty`,
    ];
    expect(good.map(complaintAbout)).toEqual([undefined, undefined, undefined, undefined]);
  });
});
