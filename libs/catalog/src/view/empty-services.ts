import { type ServiceTouch } from '../model/service-touch.js';

/** Names do not contain it. */
const SEPARATOR = '/';

const keyOf = (namespace: string, service: string): string => `${namespace}${SEPARATOR}${service}`;

type Entry = readonly [key: string, revision: number];

/** The same on all nodes, whatever the order in which they came to know the services. Taking pairs apart would be slow. */
const byAge = (a: Entry, b: Entry): number => a[1] - b[1] || (a[0] < b[0] ? -1 : Number(a[0] > b[0]));

const BEFORE_ALL: Entry = ['', 0];

/**
 * Services that have no instance, each with the last revision that touched it, which is all that is known of it. They are
 * kept in the order in which they changed, so that the ones that changed longest ago are found without looking at all.
 */
export class EmptyServices {
  /** In the order of {@link byAge}, if it is ordered. */
  private revisions = new Map<string, number>();
  private isOrdered = true;
  /** The last one that came in this order, if it is ordered. */
  private last = BEFORE_ALL;

  get size(): number {
    return this.revisions.size;
  }

  revisionOf(namespace: string, service: string): number | undefined {
    return this.revisions.get(keyOf(namespace, service));
  }

  /** Takes a service, or a later revision of one that is here. @returns whether it was not here */
  add({ namespace, service, revision }: ServiceTouch): boolean {
    const key = keyOf(namespace, service);
    const known = this.revisions.get(key);
    if (known !== undefined && known >= revision) return false;
    this.revisions.delete(key);
    this.revisions.set(key, revision);
    const entry: Entry = [key, revision];
    // They become empty in the order of the log, and are loaded in this one: it is rarely needed to sort them.
    if (byAge(entry, this.last) < 0) this.isOrdered = false;
    else this.last = entry;
    return known === undefined;
  }

  /** Takes a service out. @returns whether it was here */
  delete(namespace: string, service: string): boolean {
    return this.revisions.delete(keyOf(namespace, service));
  }

  /** Notes that a revision touched all of them. */
  touchAll(revision: number): void {
    const keys = [...this.revisions.keys()].sort();
    this.revisions = new Map(keys.map(key => [key, revision]));
    this.last = [keys.at(-1) ?? '', revision];
    this.isOrdered = true;
  }

  /** The ones that changed longest ago, oldest first. */
  oldest(count: number): ServiceTouch[] {
    const found: ServiceTouch[] = [];
    for (const entry of this.ordered()) {
      if (found.length >= count) break;
      found.push(toTouch(entry));
    }
    return found;
  }

  /** Takes out all that come no later than a service did when it had a revision; it may have gone since. */
  takeUpTo({ namespace, service, revision }: ServiceTouch): ServiceTouch[] {
    const last: Entry = [keyOf(namespace, service), revision];
    const taken: ServiceTouch[] = [];
    for (const entry of this.ordered()) {
      if (byAge(entry, last) > 0) break;
      this.revisions.delete(entry[0]);
      taken.push(toTouch(entry));
    }
    return taken;
  }

  private ordered(): MapIterator<[string, number]> {
    if (!this.isOrdered) {
      const entries = [...this.revisions].sort(byAge);
      this.revisions = new Map(entries);
      this.last = entries.at(-1) ?? BEFORE_ALL;
      this.isOrdered = true;
    }
    return this.revisions.entries();
  }
}

function toTouch([key, revision]: Entry): ServiceTouch {
  const at = key.indexOf(SEPARATOR);
  return { namespace: key.slice(0, at), service: key.slice(at + 1), revision };
}
