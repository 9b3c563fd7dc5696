import { Readable } from 'node:stream';
import { type SendPace } from './send-pace.js';
import { WHOLE_UP_TO_BYTES } from './shared-body.js';

/**
 * How much (bytes) is written to a socket before it must have taken it. A write of many megabytes to a socket that takes them
 * blocks the event loop for milliseconds; slices of half the size cost more processor time.
 */
export const SLICE_BYTES = WHOLE_UP_TO_BYTES;

/**
 * A stream of slices. One that has a pace and is piped to a response pushes each slice in a step of the scheduler, when the
 * response has taken the one before. One without a pace pushes as fast as it is read.
 */
export abstract class PacedStream extends Readable {
  private pace: SendPace | undefined;
  private hasBegun = false;
  /** Whether a reader asked for a slice that was not pushed yet. */
  private isWanted = false;

  constructor() {
    // One slice is prepared at a time.
    super({ highWaterMark: 1 });
  }

  /** Whether there is a slice, or the end, to push. A stream that returned false must call {@link ask} when that changes. */
  protected get hasSlice(): boolean {
    return true;
  }

  /** Pushes one slice, or null at the end. */
  protected abstract pushSlice(): void;

  /** Must be called in the step in which the response begins, before the stream is piped: that step sends the first slice. */
  paceBy(pace: SendPace): void {
    this.pace = pace;
    this.on('resume', this.ask);
  }

  override _read(): void {
    this.isWanted = true;
    if (this.hasBegun) this.ask();
    else this.pushIfPossible();
    this.hasBegun = true;
  }

  protected readonly ask = (): void => {
    if (!this.pace) this.pushIfPossible();
    else if (this.canPush) this.pace.next(this.pushIfPossible);
  };

  private readonly pushIfPossible = (): void => {
    if (!this.canPush) return;
    this.isWanted = false;
    this.pushSlice();
  };

  /**
   * The response pauses this stream while it has not taken the last slice. A slice that were pushed meanwhile would be kept,
   * and be written when the response resumes the stream, outside a step.
   */
  private get canPush(): boolean {
    const isPaused = this.pace !== undefined && this.readableFlowing === false;
    return this.isWanted && !isPaused && !this.destroyed && this.hasSlice;
  }
}
