import { type CompressedForm, type SharedBody } from '@coordination/http';
import { type CatalogVersion } from './catalog-version.js';
import { type Piece } from './pieces.js';

/** A response body that was made from the view, and the last revision that changed what it shows. */
export interface ViewJson {
  readonly revision: number;
  /** Above 16 KiB as bytes, which are made once for all callers. */
  readonly body: string | SharedBody;
  /** The compressed form, if the body is cached. */
  readonly compressed?: CompressedForm;
  /** The part of the ETag after the revision. */
  readonly variant?: string | undefined;
}

/** Something that was found in the catalog, with the state of the catalog in which it was found. */
export type Found<Result extends object = ViewJson> = Result & { readonly catalog: CatalogVersion };

/** Where in the log the view was when something was made from it. */
export type MadeAt = Pick<CatalogVersion, 'revision' | 'epoch'>;

/** A body that was made in slices, so that the view may have gone on meanwhile. */
export interface MadeJson extends ViewJson {
  readonly madeAt: MadeAt;
}

/** A body as it is cached. */
export interface KeptJson extends ViewJson {
  /** What a later body may share with this one. */
  readonly pieces?: readonly Piece<object>[];
}
