import { createHash } from 'node:crypto';
import { type Selection } from '../selection/selection.js';
import { type Fields } from './instance-fields.js';

/** Which part of the list of a service a response contains. */
export interface ListPart {
  readonly fields: Fields;
  /** Instances per page; null: all of them, without pages. */
  readonly limit: number | null;
}

/** The whole list. */
export const WHOLE: ListPart = { fields: null, limit: null };

/** A query for the instances of a service, or a part of them. */
export interface ListQuery {
  readonly namespace: string;
  readonly service: string;
  readonly selection: Selection;
  readonly part: ListPart;
}

export const isWhole = ({ fields, limit }: ListPart): boolean => fields === null && limit === null;

/**
 * A text that identifies a part of a list.
 * @param after the instanceId after which the page begins; undefined for the first one
 */
export const partText = ({ fields, limit }: ListPart, after?: string): string =>
  JSON.stringify([fields, limit, after ?? null]);

const VARIANT_LENGTH = 8;

/**
 * The part of the ETag after the revision, so that a request for other members or another page does not get 304. It is
 * hexadecimal, so that it differs from what compressing proxies append to a tag. Undefined for the whole list.
 */
export const variantOf = (part: ListPart, after?: string): string | undefined =>
  isWhole(part) ? undefined : hash(partText(part, after));

/** The same for chosen members of any other list. */
export const variantOfFields = (fields: Fields): string | undefined =>
  fields === null ? undefined : hash(JSON.stringify(fields));

const hash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, VARIANT_LENGTH);
