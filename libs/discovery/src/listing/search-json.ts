import { type SearchPage } from '../search/catalog-search.repository.js';
import { type Fields, pick } from './instance-fields.js';

/** The answer of a search, with the members of instances that are asked for. */
export const searchJson = (revision: number, { items, nextCursor }: SearchPage, fields: Fields = null): string =>
  JSON.stringify({ revision, items: items.map(item => pick(item, fields)), nextCursor });
