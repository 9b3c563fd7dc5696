import { type EntityName, type EntityProperty, MikroORM } from '@mikro-orm/postgresql';
import { type Column, TableColumns } from './table-columns.js';

/** The properties of an entity that have columns. */
export type PropertyOf<Entity> = Extract<keyof Entity, string>;

/**
 * The columns of an entity's table, from the metadata that MikroORM discovers. It needs no database: repositories build
 * their statements from it when they are loaded.
 */
export function columnsOf<Entity extends object>(entity: EntityName<Entity>): TableColumns<PropertyOf<Entity>> {
  const orm = new MikroORM({
    entities: [entity],
    // Required, and not used: nothing connects.
    dbName: 'postgres',
    discovery: { warnWhenNoEntities: false },
    logger: () => undefined,
  });
  const { tableName, props } = orm.getMetadata(entity);
  return new TableColumns(
    tableName,
    props.flatMap(property => columnsOfProperty(property as EntityProperty)),
  );
}

/** A name that SQL takes without quotes, unless it is a reserved word. */
const PLAIN_NAME = /^[a-z][a-z0-9_]*$/;

/** A property has one column; a relation whose target has a composite key is not supported. */
function columnsOfProperty({ name, fieldNames, columnTypes, ...property }: EntityProperty): Column[] {
  if (property.persist === false) return [];
  const [column, ...more] = fieldNames;
  if (column === undefined || more.length > 0)
    throw new Error(`The property ${name} does not have exactly one column.`);
  if (!PLAIN_NAME.test(column)) throw new Error(`The column ${column} would have to be quoted: give it another name.`);
  return [
    {
      property: name,
      name: column,
      type: columnTypes[0]!.replace(/\(\d+\)$/, ''),
      isNullable: property.nullable === true,
      default: plainDefault(property.default),
      isGenerated: property.generated !== undefined,
    },
  ];
}

const plainDefault = (value: unknown): Column['default'] =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : undefined;
