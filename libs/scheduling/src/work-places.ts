import { Injectable, Optional } from '@nestjs/common';
import { Clock, OverloadedError, systemClock } from '@coordination/kernel';
import { FairLine, type Waiter } from './places/fair-line.js';
import { DEFAULT_LIMITS, PLACE_KINDS, type PlaceKind, type PlaceLimits } from './places/place-kinds.js';
import { retryAfterSeconds } from './places/retry-after.js';

/** Who asks for a place. */
export interface PlaceCaller {
  /** The address of the caller. */
  readonly client: string;
  /** The route, or another name of the kind of work. */
  readonly route: string;
  /** Aborted when the caller is gone: it loses its place in the line. */
  readonly signal?: AbortSignal | undefined;
  /** Whether the work has begun and goes on: then it waits without bounds, and is not refused. */
  readonly isUnderWay?: boolean;
}

/** A place for one piece of work, held until it is released. */
export interface Place {
  /** Gives the place to the next in line. Further calls have no effect. */
  release(): void;
}

/** Why a caller was refused. */
export const REFUSAL_REASONS = ['line_full', 'waited_too_long'] as const;

export type RefusalReason = (typeof REFUSAL_REASONS)[number];

/** The use of the places of one kind. */
export interface PlaceUse {
  readonly places: number;
  readonly taken: number;
  readonly waiting: number;
  /** How long (s) the one has waited that has waited longest; 0: none waits. */
  readonly longestWaitSeconds: number;
  /** How many callers have been refused since the start, by reason. */
  readonly refused: Readonly<Record<RefusalReason, number>>;
}

interface LineWaiter extends Waiter {
  readonly sinceMs: number;
  enter(): void;
  refuse(reason: RefusalReason): void;
}

/**
 * Bounds how much heavy and long work runs at once. The rest waits in lines that are bounded in number and time, and fair by
 * client and route, without having cost anything. See {@link FairLine} for the rules.
 */
@Injectable()
export class WorkPlaces {
  private readonly lines: Readonly<Record<PlaceKind, FairLine<LineWaiter>>>;
  private readonly limits: Readonly<Record<PlaceKind, PlaceLimits>>;
  private readonly refused = zeroes();

  /** Called with the time (s) that work waited for its place, each time that it gets one. */
  onEntered: (kind: PlaceKind, waitedSeconds: number) => void = () => undefined;

  /** @param random from 0 up to, but not including, 1 */
  constructor(
    private readonly clock: Clock = systemClock,
    @Optional() limits: Partial<Record<PlaceKind, PlaceLimits>> = {},
    @Optional() private readonly random: () => number = Math.random,
  ) {
    this.limits = { ...DEFAULT_LIMITS, ...limits };
    this.lines = byKind(kind => new FairLine<LineWaiter>(this.limits[kind]));
  }

  /**
   * Waits for a place.
   * @throws OverloadedError when too many wait already, or when the caller has waited too long
   * @throws the reason of the signal when it is aborted
   */
  async enter(kind: PlaceKind, caller: PlaceCaller): Promise<Place> {
    const { client, route, signal, isUnderWay = false } = caller;
    signal?.throwIfAborted();
    const line = this.lines[kind];
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter: LineWaiter = {
      client,
      route,
      isUnderWay,
      sinceMs: this.clock.monotonicMs(),
      enter: resolve,
      refuse: reason => reject(this.refusal(kind, reason)),
    };
    const admission = line.ask(waiter);
    if (admission.outcome === 'refused') throw this.refusal(kind, 'line_full');
    if (admission.outcome === 'waiting') {
      admission.evicted?.refuse('line_full');
      await this.inLine(kind, waiter, promise, { reject, signal });
    }
    this.onEntered(kind, (this.clock.monotonicMs() - waiter.sinceMs) / 1_000);
    return this.placeOf(kind, client);
  }

  /** How the places of each kind are used now. */
  use(): Readonly<Record<PlaceKind, PlaceUse>> {
    return byKind(kind => {
      const { taken, waiting } = this.lines[kind];
      const longestWaitSeconds = this.longestWaitMs(kind) / 1_000;
      const refused = { ...this.refused[kind] };
      return { places: this.limits[kind].places, taken, waiting, longestWaitSeconds, refused };
    });
  }

  private longestWaitMs(kind: PlaceKind): number {
    const now = this.clock.monotonicMs();
    let longest = 0;
    for (const { sinceMs } of this.lines[kind].waiters()) longest = Math.max(longest, now - sinceMs);
    return longest;
  }

  private async inLine(
    kind: PlaceKind,
    waiter: LineWaiter,
    entered: Promise<void>,
    { reject, signal }: { readonly reject: (error: unknown) => void; readonly signal: AbortSignal | undefined },
  ): Promise<void> {
    const line = this.lines[kind];
    const timer = waiter.isUnderWay
      ? undefined
      : setTimeout(() => {
          if (line.leave(waiter)) waiter.refuse('waited_too_long');
        }, this.limits[kind].waitMs);
    timer?.unref();
    const onGone = () => {
      if (line.leave(waiter)) reject(signal?.reason);
    };
    signal?.addEventListener('abort', onGone, { once: true });
    try {
      await entered;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onGone);
    }
  }

  private placeOf(kind: PlaceKind, client: string): Place {
    let isHeld = true;
    return {
      release: () => {
        if (!isHeld) return;
        isHeld = false;
        this.lines[kind].release(client)?.enter();
      },
    };
  }

  private refusal(kind: PlaceKind, reason: RefusalReason): OverloadedError {
    this.refused[kind][reason] += 1;
    return new OverloadedError(retryAfterSeconds(this.lines[kind].waiting, this.random()));
  }
}

const byKind = <T>(of: (kind: PlaceKind) => T): Record<PlaceKind, T> =>
  Object.fromEntries(PLACE_KINDS.map(kind => [kind, of(kind)])) as Record<PlaceKind, T>;

const zeroes = (): Record<PlaceKind, Record<RefusalReason, number>> =>
  byKind(() => ({ line_full: 0, waited_too_long: 0 }));
