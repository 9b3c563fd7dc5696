import { type CatalogView, EXAMPLE_INSTANCES } from '@coordination/catalog';

/**
 * Maps the ids of the example instances to their ids in this catalog, as far as they are registered. So the examples of the
 * OpenAPI document can be sent unchanged: the first one registers the instances that the others use.
 */
export function liveExamples(view: CatalogView): [example: string, live: string][] {
  return EXAMPLE_INSTANCES.flatMap(({ id, identity }) => {
    const found = view.findByIdentity(identity);
    return found ? [[id, found.id] as [string, string]] : [];
  });
}
