import { defineEntity, p } from '@mikro-orm/core';
import { describe, expect, it } from 'vitest';
import { columnsOf } from './columns-of.js';

const BookSchema = defineEntity({
  name: 'Book',
  tableName: 'book',
  properties: {
    id: p.uuid().primary(),
    title: p.text(),
    check: p.json<object>().fieldName('check_terms').nullable(),
    pageCount: p.integer().default(1),
    revision: p.bigint('number'),
    readAt: p.datetime(3).nullable(),
    summary: p.text().generated('(left(title, 10)) stored'),
    shelf: p.text().defaultRaw("'A'"),
    onTheShelf: p.boolean().persist(false),
  },
});
class Book extends BookSchema.class {}
BookSchema.setClass(Book);

const LoanSchema = defineEntity({
  name: 'Loan',
  tableName: 'loan',
  properties: { book: () => p.oneToOne(BookSchema).primary().fieldName('book_id').owner(), until: p.datetime(3) },
});
class Loan extends LoanSchema.class {}
LoanSchema.setClass(Loan);

const BOOKS = columnsOf(Book);
const LOANS = columnsOf(Loan);
const READ_AT = `to_char(b.read_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "readAt"`;

describe('The columns of an entity', () => {
  it('are those of its properties that are stored, in their order', () => {
    expect(BOOKS.table).toBe('book');
    expect(BOOKS.columns).toEqual([
      { property: 'id', name: 'id', type: 'uuid', isNullable: false, default: undefined, isGenerated: false },
      { property: 'title', name: 'title', type: 'text', isNullable: false, default: undefined, isGenerated: false },
      {
        property: 'check',
        name: 'check_terms',
        type: 'jsonb',
        isNullable: true,
        default: undefined,
        isGenerated: false,
      },
      { property: 'pageCount', name: 'page_count', type: 'int', isNullable: false, default: 1, isGenerated: false },
      {
        property: 'revision',
        name: 'revision',
        type: 'bigint',
        isNullable: false,
        default: undefined,
        isGenerated: false,
      },
      {
        property: 'readAt',
        name: 'read_at',
        type: 'timestamptz',
        isNullable: true,
        default: undefined,
        isGenerated: false,
      },
      { property: 'summary', name: 'summary', type: 'text', isNullable: false, default: undefined, isGenerated: true },
      { property: 'shelf', name: 'shelf', type: 'text', isNullable: false, default: undefined, isGenerated: false },
    ]);
  });

  it('include the key of the target of a relation', () => {
    expect(LOANS.form()).toBe('"book" uuid, until timestamptz');
    expect(LOANS.names()).toBe('book_id, until');
  });

  it('are read under the names of the properties, times as RFC 3339 texts and bigints as numbers', () => {
    expect(BOOKS.only('id', 'check', 'revision', 'readAt').select('b')).toBe(
      `b.id, b.check_terms as "check", b.revision::float8 as revision, ${READ_AT}`,
    );
    expect(BOOKS.only('id', 'pageCount').select()).toBe('id, page_count as "pageCount"');
  });

  it('are taken from JSON under their names, with the defaults of those that it lacks', () => {
    expect(BOOKS.only('id', 'title', 'check', 'pageCount').fromJson('e.after')).toBe(
      "(e.after ->> 'id')::uuid as id, e.after ->> 'title' as title, e.after -> 'check' as check_terms, " +
        "coalesce((e.after ->> 'pageCount')::int, 1) as page_count",
    );
  });

  it('are written from rows whose keys are the properties', () => {
    const written = BOOKS.without('id', 'title', 'shelf').written();
    expect(written.form()).toBe('"check" jsonb, "pageCount" int, revision bigint, "readAt" timestamptz');
    expect(written.names()).toBe('check_terms, page_count, revision, read_at');
    expect(written.names('b')).toBe('b.check_terms, b.page_count, b.revision, b.read_at');
    expect(written.values('r', { readAt: 'now()' })).toBe('r."check", r."pageCount", r.revision, now()');
    expect(written.values()).toBe('"check", "pageCount", revision, "readAt"');
    expect(written.assignments('r')).toBe(
      'check_terms = r."check", page_count = r."pageCount", revision = r.revision, read_at = r."readAt"',
    );
    expect(written.only('pageCount').excludedAssignments()).toBe('page_count = excluded.page_count');
  });

  it('keep the order of the entity, whatever order they are chosen in', () => {
    expect(BOOKS.only('revision', 'id').names()).toBe('id, revision');
  });

  it('must be one for each property, with a plain name', () => {
    const Order = defineEntity({
      name: 'Order',
      tableName: 'order',
      properties: { id: p.uuid().primary(), number: p.integer().fieldName('Number') },
    });
    expect(() => columnsOf(Order)).toThrow('Number would have to be quoted');
    const Seat = defineEntity({
      name: 'Seat',
      tableName: 'seat',
      properties: { row: p.integer().primary(), place: p.integer().primary() },
    });
    const Ticket = defineEntity({
      name: 'Ticket',
      tableName: 'ticket',
      properties: { id: p.uuid().primary(), seat: () => p.manyToOne(Seat) },
    });
    expect(() => columnsOf(Ticket)).toThrow('seat does not have exactly one column');
  });
});
