import { type Fields, pick } from '../listing/instance-fields.js';
import { type SearchPage } from './catalog-search.js';

/** The response to a search, with the requested members of instances. */
export const searchJson = (revision: number, { items, nextCursor }: SearchPage, fields: Fields = null): string =>
  JSON.stringify({ revision, items: items.map(item => pick(item, fields)), nextCursor });
