import { createToken, Lexer, type TokenType } from 'chevrotain';

/** A name. Keywords are tried first, and give way to longer names. */
const Name = createToken({ name: 'Name', pattern: /[A-Za-z_][A-Za-z0-9_]*/, label: 'a selector' });

const keyword = (word: string): TokenType =>
  createToken({ name: word, pattern: new RegExp(word), longer_alt: Name, label: `\`${word}\`` });

const sign = (name: string, text: string): TokenType => createToken({ name, pattern: text, label: `\`${text}\`` });

const value = (name: string, pattern: RegExp, label: string): TokenType => createToken({ name, pattern, label });

/** The tokens of filters, in the order in which they are tried. */
export const TOKEN = {
  Space: createToken({ name: 'Space', pattern: /[ \t\r\n]+/, group: Lexer.SKIPPED }),
  And: keyword('and'),
  Or: keyword('or'),
  Not: keyword('not'),
  In: keyword('in'),
  Contains: keyword('contains'),
  Matches: keyword('matches'),
  Is: keyword('is'),
  Empty: keyword('empty'),
  True: keyword('true'),
  False: keyword('false'),
  Null: keyword('null'),
  Name,
  /** One token, so that keywords may be keys. */
  Key: value('Key', /\.[A-Za-z0-9_][A-Za-z0-9_-]*/, 'a key'),
  Equal: sign('Equal', '=='),
  Unequal: sign('Unequal', '!='),
  AtMost: sign('AtMost', '<='),
  AtLeast: sign('AtLeast', '>='),
  Less: sign('Less', '<'),
  More: sign('More', '>'),
  Open: sign('Open', '('),
  Close: sign('Close', ')'),
  OpenList: sign('OpenList', '['),
  CloseList: sign('CloseList', ']'),
  Comma: sign('Comma', ','),
  /** It is checked as JSON later. The alternatives exclude each other, so that no text makes the match slow. */
  Text: value('Text', /"(?:[^"\\]|\\.)*"/, 'text in double quotes'),
  Raw: value('Raw', /`[^`]*`/, 'text in backquotes'),
  Number: value('Number', /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/, 'a number'),
} as const satisfies Record<string, TokenType>;

export const TOKENS: TokenType[] = Object.values(TOKEN);
