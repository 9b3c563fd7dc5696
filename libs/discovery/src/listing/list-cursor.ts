import { createHash } from 'node:crypto';
import { decodeCursor, encodeCursor, InvalidCursorError } from '@coordination/kernel';
import { z } from 'zod';
import { type ListQuery } from './list-query.js';

/** Where a page of a service's list ended. */
export interface ListPosition {
  /** The revision of the service that all pages show: that of the first one. */
  readonly at: number;
  /** The instanceId of the last instance. */
  readonly after: string;
}

const FINGERPRINT_LENGTH = 16;

const shape = z.strictObject({
  of: z.string(),
  at: z.int().min(1),
  after: z.string().regex(/^[A-Za-z0-9._:@[\]-]{1,200}$/),
  sum: z.string(),
});

/** The opaque text of a position, which is valid for the same query only. */
export function toListCursor(query: ListQuery, { at, after }: ListPosition): string {
  const of = fingerprint(query);
  return encodeCursor({ of, at, after, sum: sumOf(of, at, after) });
}

/** @throws InvalidCursorError when it was altered, or belongs to another query */
export function fromListCursor(query: ListQuery, cursor: string): ListPosition {
  const { of, at, after, sum } = decodeCursor(cursor, shape);
  if (sum !== sumOf(of, at, after)) throw new InvalidCursorError();
  if (of !== fingerprint(query)) throw InvalidCursorError.ofAnotherQuery();
  return { at, after };
}

/** Identifies which instances and members the pages show; the size of the pages may change between them. */
const fingerprint = ({ namespace, service, selection, part }: ListQuery): string =>
  hash(['list', namespace, service, selection, part.fields]);

/** Detects a cursor that was altered, by accident or by hand. It is not a secret. */
const sumOf = (of: string, at: number, after: string): string => hash([of, at, after]);

const hash = (value: unknown): string =>
  createHash('sha256').update(JSON.stringify(value)).digest('base64url').slice(0, FINGERPRINT_LENGTH);
