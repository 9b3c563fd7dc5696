import { createHash } from 'node:crypto';
import { type Selection } from '../selection/selection.js';
import { type Fields } from './instance-fields.js';

/** How much of the list of a service an answer has. */
export interface ListPart {
  readonly fields: Fields;
  /** Instances per page; null: all of them, without pages. */
  readonly limit: number | null;
}

/** Everything. */
export const WHOLE: ListPart = { fields: null, limit: null };

/** What is asked about the instances of a service. */
export interface ListQuestion {
  readonly namespace: string;
  readonly service: string;
  readonly selection: Selection;
  readonly part: ListPart;
}

export const isWhole = ({ fields, limit }: ListPart): boolean => fields === null && limit === null;

/**
 * Names a part of a list.
 * @param after the instanceId after which the page begins; undefined for the first one
 */
export const partText = ({ fields, limit }: ListPart, after?: string): string =>
  JSON.stringify([fields, limit, after ?? null]);

const VARIANT_LENGTH = 8;

/**
 * What the ETag of a part has beside the revision: who asks for other members or another page must not be told that he has
 * them. Hexadecimal, lest it look like what a proxy that compresses adds to a tag. Undefined for the whole list.
 */
export const variantOf = (part: ListPart, after?: string): string | undefined =>
  isWhole(part) ? undefined : hash(partText(part, after));

/** The same for members that are chosen of another list. */
export const variantOfFields = (fields: Fields): string | undefined =>
  fields === null ? undefined : hash(JSON.stringify(fields));

const hash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, VARIANT_LENGTH);
