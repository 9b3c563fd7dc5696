import { createHash } from 'node:crypto';
import { decodeCursor, encodeCursor, InvalidCursorError } from '@coordination/kernel';
import { z } from 'zod';
import { type ListQuestion } from './list-question.js';

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

/** The opaque text of a position, which only the same question takes back. */
export function toListCursor(question: ListQuestion, { at, after }: ListPosition): string {
  const of = fingerprint(question);
  return encodeCursor({ of, at, after, sum: sumOf(of, at, after) });
}

/** @throws InvalidCursorError when it was changed, or comes from another question */
export function fromListCursor(question: ListQuestion, cursor: string): ListPosition {
  const { of, at, after, sum } = decodeCursor(cursor, shape);
  if (sum !== sumOf(of, at, after)) throw new InvalidCursorError();
  if (of !== fingerprint(question)) throw InvalidCursorError.ofAnotherQuery();
  return { at, after };
}

/** Names what decides which instances the pages have, and what of them; the size of the pages may change on the way. */
const fingerprint = ({ namespace, service, selection, part }: ListQuestion): string =>
  hash(['list', namespace, service, selection, part.fields]);

/** Tells a cursor that was altered, by accident or by hand, from one that was given. It keeps no secret. */
const sumOf = (of: string, at: number, after: string): string => hash([of, at, after]);

const hash = (value: unknown): string =>
  createHash('sha256').update(JSON.stringify(value)).digest('base64url').slice(0, FINGERPRINT_LENGTH);
