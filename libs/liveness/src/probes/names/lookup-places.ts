/** How many look-ups may be under way at one name server, and how many may wait. */
export interface PlaceLimits {
  /** All look-ups. */
  readonly all: number;
  /** Those of one zone. */
  readonly zone: number;
  /** Those of names whose last look-up was not answered, or that were never looked up. */
  readonly unproven: number;
  /** Those of them in one zone. */
  readonly unprovenInZone: number;
  /** Look-ups that wait; of unproven names, half as many. */
  readonly line: number;
}

/**
 * A look-up of a silent zone holds its place for seconds, an answered one for milliseconds. So names that were answered
 * before always find places that others cannot take.
 */
export const PLACE_LIMITS: PlaceLimits = { all: 32, zone: 16, unproven: 16, unprovenInZone: 8, line: 1_000 };

/** What decides about the place of a look-up. */
export interface Asking {
  readonly name: string;
  /** Whether the last look-up of the name was answered. */
  readonly isProven: boolean;
}

/** No place came free in time, or too many look-ups wait already. */
export class NoLookupPlaceError extends Error {
  override readonly name = 'NoLookupPlaceError';

  constructor(reason: 'full' | 'late') {
    super(
      reason === 'full'
        ? 'Too many look-ups of names wait on this node.'
        : 'No place for a look-up came free on this node in time.',
    );
  }
}

interface Waiting {
  readonly zone: string;
  readonly isProven: boolean;
  readonly start: () => void;
}

/** The zone of a name, as far as it can be known without asking: the name without its first label. */
export const zoneOf = (name: string): string => name.slice(name.indexOf('.') + 1);

/**
 * The places for look-ups at one name server. Those who wait get places in their order; a look-up whose zone or kind has no
 * place lets others pass.
 */
export class LookupPlaces {
  private readonly line = new Set<Waiting>();
  private readonly taken = new Map<string, number>();

  constructor(private readonly limits: PlaceLimits = PLACE_LIMITS) {}

  /** Look-ups under way. */
  get inUse(): number {
    return this.count('all');
  }

  /** Look-ups that wait for a place. */
  get waiting(): number {
    return this.line.size;
  }

  /**
   * Waits for a place.
   * @returns gives the place back
   * @throws NoLookupPlaceError at once when the line is full, or after `withinMs` milliseconds
   */
  async take({ name, isProven }: Asking, withinMs: number): Promise<() => void> {
    const { line, limits } = this;
    const zone = zoneOf(name);
    if (this.isFree(zone, isProven)) return this.occupy(zone, isProven);
    if (line.size >= (isProven ? limits.line : limits.line / 2)) throw new NoLookupPlaceError('full');
    const { promise, resolve, reject } = Promise.withResolvers<() => void>();
    const waiting: Waiting = { zone, isProven, start: () => resolve(this.occupy(zone, isProven)) };
    line.add(waiting);
    const timer = setTimeout(() => {
      line.delete(waiting);
      reject(new NoLookupPlaceError('late'));
    }, withinMs).unref();
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
    }
  }

  private isFree(zone: string, isProven: boolean): boolean {
    const { all, zone: ofZone, unproven, unprovenInZone } = this.limits;
    if (this.count('all') >= all || this.count(`zone ${zone}`) >= ofZone) return false;
    return isProven || (this.count('unproven') < unproven && this.count(`unproven ${zone}`) < unprovenInZone);
  }

  private occupy(zone: string, isProven: boolean): () => void {
    const keys = ['all', `zone ${zone}`, ...(isProven ? [] : ['unproven', `unproven ${zone}`])];
    this.add(keys, 1);
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.add(keys, -1);
      this.startWaiting();
    };
  }

  private startWaiting(): void {
    for (const waiting of this.line) {
      if (this.count('all') >= this.limits.all) return;
      if (!this.isFree(waiting.zone, waiting.isProven)) continue;
      this.line.delete(waiting);
      waiting.start();
    }
  }

  private count(key: string): number {
    return this.taken.get(key) ?? 0;
  }

  private add(keys: readonly string[], difference: number): void {
    for (const key of keys) {
      const count = this.count(key) + difference;
      if (count === 0) this.taken.delete(key);
      else this.taken.set(key, count);
    }
  }
}
