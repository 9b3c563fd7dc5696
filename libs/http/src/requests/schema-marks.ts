/** Marks a schema that is a component of this name; replaced by a `$ref`, unless it is expanded into parameters. */
export const COMPONENT_MARK = 'x-component';

/** Marks a list parameter whose values are separated by commas. */
export const COMMA_LIST_MARK = 'x-comma-list';
