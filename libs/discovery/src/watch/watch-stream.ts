import { Readable } from 'node:stream';
import { type Clock } from '@coordination/kernel';

export interface WatchStreamOptions {
  /** How many bytes may wait for the client before the watch stops writing. */
  readonly backlogBytes: number;
  readonly clock: Clock;
  /** Called when the client reads again. */
  readonly onWanted: () => void;
  /** Called once, when the stream is closed, by either side. */
  readonly onClosed: () => void;
}

/** The bytes of one watch. While the client does not read, the watch keeps nothing but its position. */
export class WatchStream extends Readable {
  private isWanted = false;
  private fullSinceMs: number | undefined;

  constructor(private readonly options: WatchStreamOptions) {
    super({ highWaterMark: options.backlogBytes });
    this.once('close', options.onClosed);
  }

  /** Whether the client reads. */
  get wantsMore(): boolean {
    return this.isWanted;
  }

  /** For how long (ms) the client has not read its backlog; 0: there is room in it. */
  get fullForMs(): number {
    return this.fullSinceMs === undefined ? 0 : this.options.clock.monotonicMs() - this.fullSinceMs;
  }

  /** Adds bytes to those that the client reads. */
  write(bytes: Buffer): void {
    this.isWanted = this.push(bytes);
    if (!this.isWanted) this.fullSinceMs ??= this.options.clock.monotonicMs();
  }

  /** Ends the stream once the client has read everything. */
  end(): void {
    if (!this.readableEnded && !this.destroyed) this.push(null);
  }

  override _read(): void {
    if (this.isWanted) return;
    this.isWanted = true;
    this.fullSinceMs = undefined;
    this.options.onWanted();
  }
}
