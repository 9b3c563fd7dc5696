import { isoTime } from '../reading/query.js';

/** One column of a table, as its entity describes it. */
export interface Column {
  /** Name of the property, which is the key in rows that are read and in JSON that is written. */
  readonly property: string;
  /** Name in the table. */
  readonly name: string;
  /** Type in PostgreSQL, without a precision. */
  readonly type: string;
  readonly isNullable: boolean;
  /** Default of the entity where it is a plain value; undefined: there is none, or it is an SQL expression. */
  readonly default: string | number | boolean | undefined;
  /** Whether PostgreSQL computes it, so that it cannot be written. */
  readonly isGenerated: boolean;
}

/** How a column is read, where the driver's own conversion is not wanted. */
const READ_AS: Readonly<Record<string, (expression: string) => string>> = {
  // Times are RFC 3339 texts in the whole service.
  timestamptz: isoTime,
  // The driver would give a text. The largest revision is a safe integer.
  bigint: expression => `${expression}::float8`,
};

/**
 * The columns of a table, or some of them, in the order of the entity's properties, and the lists of SQL in which they
 * occur. The texts are built when a module is loaded, so a statement costs no more than one that is written by hand.
 */
export class TableColumns<Property extends string> {
  constructor(
    readonly table: string,
    readonly columns: readonly Column[],
  ) {}

  /** Only the named columns, in the order of the entity. */
  only<P extends Property>(...properties: readonly P[]): TableColumns<P> {
    return new TableColumns(
      this.table,
      this.columns.filter(column => includes(properties, column)),
    );
  }

  /** All but the named columns. */
  without<P extends Property>(...properties: readonly P[]): TableColumns<Exclude<Property, P>> {
    return new TableColumns(
      this.table,
      this.columns.filter(column => !includes(properties, column)),
    );
  }

  /** The columns that are written: all but the ones that PostgreSQL computes. */
  written(): TableColumns<Property> {
    return new TableColumns(
      this.table,
      this.columns.filter(({ isGenerated }) => !isGenerated),
    );
  }

  /**
   * For a select list: each column under the name of its property. Times become RFC 3339 texts and bigints numbers.
   * @param alias of the table in the statement
   */
  select(alias?: string): string {
    return this.list(({ name, property, type }) => {
      const expression = qualified(alias, name);
      const convert = READ_AS[type];
      if (convert) return `${convert(expression)} as ${keyOf({ name, property })}`;
      return name === property ? expression : `${expression} as ${keyOf({ name, property })}`;
    });
  }

  /**
   * For a select list: each column under its name in the table, with the value that a JSON object has under the property. An
   * object that lacks the property has the default of the column.
   * @param json SQL of the object
   */
  fromJson(json: string): string {
    return this.list(({ name, property, type, default: value }) => {
      const found = `${json} ${type === 'jsonb' ? '->' : '->>'} '${property}'`;
      const typed = type === 'text' || type === 'jsonb' ? found : `(${found})::${type}`;
      return `${value === undefined ? typed : `coalesce(${typed}, ${literal(value)})`} as ${name}`;
    });
  }

  /** For the column definitions of `jsonb_to_recordset`: the rows have the properties as keys. */
  form(): string {
    return this.list(column => `${keyOf(column)} ${column.type}`);
  }

  /**
   * The names in the table: for the list of target columns of an insert.
   * @param alias of a table with the same columns, to select them as they are
   */
  names(alias?: string): string {
    return this.list(({ name }) => qualified(alias, name));
  }

  /**
   * For the select list of an insert that has {@link names} as its targets.
   * @param alias of the recordset with the rows
   * @param given SQL for columns whose values are not in the rows
   */
  values(alias?: string, given: Partial<Record<Property, string>> = {}): string {
    return this.list(column => given[column.property as Property] ?? qualified(alias, keyOf(column)));
  }

  /**
   * For the set clause of an update.
   * @param alias of the recordset with the rows
   */
  assignments(alias: string): string {
    return this.list(column => `${column.name} = ${qualified(alias, keyOf(column))}`);
  }

  /** For `on conflict … do update set`: each column gets the value that was to be inserted. */
  excludedAssignments(): string {
    return this.list(({ name }) => `${name} = ${qualified('excluded', name)}`);
  }

  private list(write: (column: Column) => string): string {
    return this.columns.map(write).join(', ');
  }
}

const includes = (properties: readonly string[], { property }: Column): boolean => properties.includes(property);

/**
 * The key in rows, as an identifier. Where it differs from the name of the column it is quoted, because it has capitals or is a
 * reserved word; columns have plain names.
 */
const keyOf = ({ name, property }: Pick<Column, 'name' | 'property'>): string =>
  name === property ? name : `"${property}"`;

const literal = (value: string | number | boolean): string =>
  typeof value === 'string' ? `'${value.replaceAll("'", "''")}'` : String(value);

const qualified = (alias: string | undefined, identifier: string): string =>
  alias === undefined ? identifier : `${alias}.${identifier}`;
