import { Readable } from 'node:stream';
import { type Clock } from '@coordination/kernel';

/** How a stream is made. */
export interface WatchStreamOptions {
  /** How many bytes may wait here for the reader before nothing more is wanted. */
  readonly backlogBytes: number;
  readonly clock: Clock;
  /** Called when more is wanted again. */
  readonly onWanted: () => void;
  /** Called once, when it is over, whoever ended it. */
  readonly onClosed: () => void;
}

/** The bytes of one watch. Its reader says when it takes more; until then the watch has nothing but its position. */
export class WatchStream extends Readable {
  private isWanted = false;
  private fullSinceMs: number | undefined;

  constructor(private readonly parts: WatchStreamOptions) {
    super({ highWaterMark: parts.backlogBytes });
    this.once('close', parts.onClosed);
  }

  /** Whether the reader takes more. */
  get wantsMore(): boolean {
    return this.isWanted;
  }

  /** For how long (ms) the reader has not taken what waits for it; 0 when it has. */
  get fullForMs(): number {
    return this.fullSinceMs === undefined ? 0 : this.parts.clock.monotonicMs() - this.fullSinceMs;
  }

  /** Hands bytes to the reader, which takes them now or later. */
  write(bytes: Buffer): void {
    this.isWanted = this.push(bytes);
    if (!this.isWanted) this.fullSinceMs ??= this.parts.clock.monotonicMs();
  }

  /** Nothing more will come. */
  end(): void {
    if (!this.readableEnded && !this.destroyed) this.push(null);
  }

  override _read(): void {
    if (this.isWanted) return;
    this.isWanted = true;
    this.fullSinceMs = undefined;
    this.parts.onWanted();
  }
}
