import { createHash } from 'node:crypto';
import { decodeCursor, encodeCursor, InvalidCursorError } from '@coordination/kernel';
import { type InstanceIdentity, type Scope } from '@coordination/catalog';
import { z } from 'zod';
import { type Selection } from '../../selection/selection.js';
import { nameOf } from '../past-sql.js';

/** What is compared between two revisions. */
export interface DiffSubject {
  readonly scope: Scope;
  readonly selection: Selection;
}

/** Where a page of a diff ended: its revisions, and its last identity. */
export interface DiffPosition {
  readonly from: number;
  readonly to: number;
  readonly after: InstanceIdentity;
}

const FINGERPRINT_LENGTH = 16;

const name = z.string().regex(/^[A-Za-z0-9._:@[\]-]{1,200}$/);
const revision = z.int().min(0);
const shape = z.strictObject({ of: z.string(), from: revision, to: revision, after: z.tuple([name, name, name]) });

/** The opaque text of a position, which is valid for the same diff only. */
export const toDiffCursor = (subject: DiffSubject, { from, to, after }: DiffPosition): string =>
  encodeCursor({ of: fingerprint(subject), from, to, after: nameOf(after) });

/** @throws InvalidCursorError when it was altered, or belongs to another diff */
export function fromDiffCursor(subject: DiffSubject, cursor: string): DiffPosition {
  const { of, from, to, after } = decodeCursor(cursor, shape);
  if (of !== fingerprint(subject)) throw InvalidCursorError.ofAnotherQuery();
  const [namespace, service, instanceId] = after;
  return { from, to, after: { namespace, service, instanceId } };
}

const fingerprint = ({ scope, selection }: DiffSubject): string =>
  createHash('sha256')
    .update(JSON.stringify(['diff', scope.namespace, scope.service, selection]))
    .digest('base64url')
    .slice(0, FINGERPRINT_LENGTH);
