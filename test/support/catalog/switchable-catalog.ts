import { CatalogView, LocalCatalog } from '@coordination/catalog';
import { systemClock } from '@coordination/kernel';

/**
 * The catalog in memory of a node whose view a test starts later, or replaces. Until then it knows nothing, and a write does
 * not wait for it.
 */
export class SwitchableCatalog extends LocalCatalog {
  private attached: Partial<LocalCatalog> = {};

  constructor() {
    super(new CatalogView(systemClock, { stalenessLimitSeconds: 600 }));
  }

  attach(catalog: Partial<LocalCatalog>): void {
    this.attached = catalog;
  }

  detach(): void {
    this.attached = {};
  }

  override announce(...asked: Parameters<LocalCatalog['announce']>): ReturnType<LocalCatalog['announce']> {
    return this.attached.announce?.(...asked) ?? Promise.resolve(false);
  }

  override recordAt(...asked: Parameters<LocalCatalog['recordAt']>): ReturnType<LocalCatalog['recordAt']> {
    return this.attached.recordAt?.(...asked) ?? Promise.resolve(undefined);
  }

  override peek(...asked: Parameters<LocalCatalog['peek']>): ReturnType<LocalCatalog['peek']> {
    return this.attached.peek?.(...asked);
  }

  override find(id: string): ReturnType<LocalCatalog['find']> {
    return this.attached.find?.(id);
  }

  override position(): ReturnType<LocalCatalog['position']> {
    return this.attached.position?.();
  }

  override requestPoll(): void {
    this.attached.requestPoll?.();
  }
}
