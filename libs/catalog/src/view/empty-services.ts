import { type ServiceTouch } from '../model/service-touch.js';

/** Names do not contain it. */
const SEPARATOR = '/';

const keyOf = (namespace: string, service: string): string => `${namespace}${SEPARATOR}${service}`;

type Entry = readonly [key: string, revision: number];

/** An order that is the same on all nodes. It indexes the pairs, since destructuring would be slow. */
const byAge = (a: Entry, b: Entry): number => a[1] - b[1] || (a[0] < b[0] ? -1 : Number(a[0] > b[0]));

const BEFORE_ALL: Entry = ['', 0];

/**
 * Services without instances, each with the last revision that touched it. They are kept in the order of these revisions, so
 * that the oldest ones are found without a scan.
 */
export class EmptyServices {
  /** In the order of {@link byAge}, if `isOrdered`. */
  private revisions = new Map<string, number>();
  private isOrdered = true;
  /** The last entry in this order, if `isOrdered`. */
  private last = BEFORE_ALL;

  get size(): number {
    return this.revisions.size;
  }

  revisionOf(namespace: string, service: string): number | undefined {
    return this.revisions.get(keyOf(namespace, service));
  }

  /** Adds a service, or a later revision of one. @returns whether the service is new */
  add({ namespace, service, revision }: ServiceTouch): boolean {
    const key = keyOf(namespace, service);
    const known = this.revisions.get(key);
    if (known !== undefined && known >= revision) return false;
    this.revisions.delete(key);
    this.revisions.set(key, revision);
    const entry: Entry = [key, revision];
    // Services become empty in the order of the log, and are loaded in it, so that sorting is rarely needed.
    if (byAge(entry, this.last) < 0) this.isOrdered = false;
    else this.last = entry;
    return known === undefined;
  }

  /** Removes a service. @returns whether it was there */
  delete(namespace: string, service: string): boolean {
    return this.revisions.delete(keyOf(namespace, service));
  }

  /** Sets the revision of all services. */
  touchAll(revision: number): void {
    const keys = [...this.revisions.keys()].sort();
    this.revisions = new Map(keys.map(key => [key, revision]));
    this.last = [keys.at(-1) ?? '', revision];
    this.isOrdered = true;
  }

  /** The services that changed longest ago, oldest first. */
  oldest(count: number): ServiceTouch[] {
    const found: ServiceTouch[] = [];
    for (const entry of this.ordered()) {
      if (found.length >= count) break;
      found.push(toTouch(entry));
    }
    return found;
  }

  /** Removes all services up to one at a revision, which itself may not be there any more. @returns those removed */
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
