import { type CatalogView, EXAMPLE_INSTANCES } from '@coordination/catalog';

/**
 * The ids of the example instances, with the ids that they have in this catalog, as far as they are registered. So the
 * examples of the OpenAPI document can be tried as they stand: the first one registers, the others find what it made.
 */
export function liveExamples(view: CatalogView): [example: string, live: string][] {
  return EXAMPLE_INSTANCES.flatMap(({ id, identity }) => {
    const found = view.findByIdentity(identity);
    return found ? [[id, found.id] as [string, string]] : [];
  });
}
