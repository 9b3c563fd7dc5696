import { expect, it } from 'vitest';
import { hasDotSegment } from '../index.js';

it.each(['.', '..', '/a/./b', '/a/../b', '/a/.', '/a/..', '/a/%2e/b', '/a/%2E%2e', '/a/.%2e/b', '%2e'])(
  '%s has a dot segment',
  path => expect(hasDotSegment(path)).toBe(true),
);

it.each(['', '/', '...', '.a', 'a.', 'a..b', '/a/.../b', '/a/.well-known', '/a/%2ea', '/a/b.', '/v1.2/x', '%252e'])(
  '%s has none',
  path => expect(hasDotSegment(path)).toBe(false),
);
