import { SortedValues } from '@coordination/kernel';
import { type CatalogView, type NamespaceEntry } from '@coordination/catalog';

/** The JSON of a namespace in the list of namespaces. */
export interface NamespaceJson {
  readonly namespace: string;
  readonly services: number;
  readonly instances: number;
  readonly json: string;
}

/** The summaries of the namespaces that have instances; the same object as long as a summary is the same. */
export class NamespaceSummaries {
  private readonly summaries = new WeakMap<NamespaceEntry, NamespaceJson>();
  private readonly sorted = new SortedValues();

  constructor(private readonly view: CatalogView) {}

  /** Those of all namespaces now, by name. */
  now(): readonly NamespaceJson[] {
    return this.sorted.of(this.view.namespaces()).map(entry => this.summary(entry));
  }

  private summary(entry: NamespaceEntry): NamespaceJson {
    const known = this.summaries.get(entry);
    const shown = { namespace: entry.namespace, services: entry.services.size, instances: entry.size };
    if (known?.services === shown.services && known.instances === shown.instances) return known;
    const summary = { ...shown, json: JSON.stringify(shown) };
    this.summaries.set(entry, summary);
    return summary;
  }
}
