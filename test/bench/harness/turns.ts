/** Why a measurement did not get its turn: the other one has failed. */
export class TurnsAbandoned extends Error {}

/** One of two measurements that take turns. */
export interface Turn {
  /** Waits until it is this one's turn. @throws TurnsAbandoned */
  take(): Promise<void>;
  /** Gives the turn to the other one. */
  pass(): void;
  /** Waits until the other one has come as far, so that what is done afterwards disturbs neither. @throws TurnsAbandoned */
  together(): Promise<void>;
}

/** Lets two measurements go on alternately: the first one, the second one, the first one, and so on. */
export class Turns {
  private current: 0 | 1 = 0;
  private isTaken = false;
  private isAbandoned = false;
  private readonly arrivals = [0, 0];
  private waiting: (() => void)[] = [];

  /** The part of the first or of the second measurement. */
  of(player: 0 | 1): Turn {
    const other = player === 0 ? 1 : 0;
    return {
      take: async () => {
        await this.until(() => this.current === player && !this.isTaken);
        this.isTaken = true;
      },
      pass: () => {
        this.isTaken = false;
        this.current = other;
        this.wakeAll();
      },
      together: async () => {
        const arrival = ++this.arrivals[player]!;
        this.wakeAll();
        await this.until(() => this.arrivals[other]! >= arrival);
      },
    };
  }

  /** Ends all waiting, since one of the two has failed. */
  abandon(): void {
    this.isAbandoned = true;
    this.wakeAll();
  }

  private async until(isReached: () => boolean): Promise<void> {
    while (!this.isAbandoned && !isReached()) await new Promise<void>(resolve => this.waiting.push(resolve));
    if (this.isAbandoned) throw new TurnsAbandoned('The other measurement failed.');
  }

  private wakeAll(): void {
    const woken = this.waiting;
    this.waiting = [];
    for (const wake of woken) wake();
  }
}
