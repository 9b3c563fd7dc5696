import { type CompressedForm, type SharedBody } from '@coordination/http';
import { type FoundRevision } from '@coordination/log';
import { type CatalogVersion, revisionTag } from '../responses/catalog-version.js';

/** The result of a read of the past, which never changes. */
export interface PastFound {
  readonly catalog: CatalogVersion;
  /** The ETag, without quotes. */
  readonly tag: string;
  /** Absent when the client has it already. */
  readonly body: string | SharedBody | undefined;
  /** The compressed form, if the body is kept. */
  readonly compressed?: CompressedForm | undefined;
}

/** Whether the client has the response with this tag already. */
export type HasTag = (tag: string) => boolean;

/** Past revisions do not change, so they are not stale. */
export const catalogOf = ({ revision, head }: FoundRevision): CatalogVersion => ({
  revision,
  epoch: head.epoch,
  stalenessSeconds: 0,
});

/** The tag of what a revision shows. @param variant distinguishes different selections of members, or pages */
export const tagOf = ({ head }: FoundRevision, revision: number, variant?: string): string =>
  revisionTag(head.epoch, revision, variant);

/** The body of an answer, without what belongs to its making. */
export const bodyOf = ({ body, compressed }: Pick<PastFound, 'body' | 'compressed'>) => ({ body, compressed });
