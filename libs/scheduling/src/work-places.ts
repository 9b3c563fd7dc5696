import { Injectable } from '@nestjs/common';
import { OverloadedError } from '@coordination/kernel';
import { type PlacedClass } from './work-class.js';

/** Who asks for a place. */
export interface PlaceCaller {
  /** The address of the caller. */
  readonly client: string;
  /** The route, or another name of the kind of work. */
  readonly route: string;
  /** Aborted when the caller is gone: it loses its place in the line. */
  readonly signal?: AbortSignal | undefined;
}

/** A place of a class of work, held until it is released. */
export interface Place {
  /** Gives the place to the next in line. Further calls have no effect. */
  release(): void;
}

/** How many pieces of work of a class may run at once. */
const PLACES: Readonly<Record<PlacedClass, number>> = { heavy: 2, long: 1 };

/** How many may wait for a place of a class. */
const LINE_MAX = 200;

/** Bounds how much heavy and long work runs at once. The rest waits in a line, without having cost anything. */
@Injectable()
export class WorkPlaces {
  private readonly taken: Record<PlacedClass, number> = { heavy: 0, long: 0 };
  private readonly lines: Record<PlacedClass, (() => void)[]> = { heavy: [], long: [] };

  /**
   * Waits for a place.
   * @throws OverloadedError when too many wait already
   */
  async enter(workClass: PlacedClass, _caller: PlaceCaller): Promise<Place> {
    const line = this.lines[workClass];
    if (this.taken[workClass] >= PLACES[workClass]) {
      if (line.length >= LINE_MAX) throw new OverloadedError(1);
      await new Promise<void>(resolve => line.push(resolve));
    } else {
      this.taken[workClass] += 1;
    }
    let isHeld = true;
    return {
      release: () => {
        if (!isHeld) return;
        isHeld = false;
        const next = line.shift();
        if (next) next();
        else this.taken[workClass] -= 1;
      },
    };
  }
}
