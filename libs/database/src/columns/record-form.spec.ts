import { describe, expect, it } from 'vitest';
import { compileRecordForm } from './record-form.js';
import { type Column, TableColumns } from './table-columns.js';

const column = (property: string, differing: Partial<Column> = {}): Column => ({
  property,
  name: property,
  type: 'text',
  isNullable: false,
  default: undefined,
  isGenerated: false,
  ...differing,
});

const columns = new TableColumns<string>('book', [
  column('id'),
  column('zone', { isNullable: true }),
  column('count', { default: 1 }),
  column('kind', { default: 'a "quoted" text' }),
  column('class'),
  column('note', { isNullable: true }),
]);

interface Book {
  id: string;
  zone: string | null;
  count: number;
  kind: string;
  class: { a: number };
  note: { text: string } | null;
}

const form = compileRecordForm<Book>(columns, {
  class: ({ a }: { a: number }) => ({ a }),
  note: ({ text }: { text: string }) => ({ text }),
});

const book: Book = { id: 'x', zone: 'eu', count: 0, kind: '', class: { a: 1 }, note: { text: 'n' } };

describe('The form of records', () => {
  it('has all properties in their order, and nothing else', () => {
    const row = {
      more: 1,
      note: { more: 1, text: 'n' },
      class: { b: 2, a: 1 },
      kind: '',
      count: 0,
      zone: 'eu',
      id: 'x',
    };
    expect(JSON.stringify(form(row))).toBe(JSON.stringify(book));
  });

  it('gives what is missing in the row the default of its column, or null where it may be null', () => {
    expect(form({ id: 'x', class: { a: 1 } })).toEqual({
      ...book,
      zone: null,
      count: 1,
      kind: 'a "quoted" text',
      note: null,
    });
    expect(form({ ...book, note: null })).toEqual({ ...book, note: null });
  });
});
