import { type LiveBody } from '@coordination/http';
import { type WatchBacklogs } from './watch-backlogs.js';

/** What a watch is told of its stream. */
export interface WatchStreamOwner {
  /** The client reads again. */
  onWanted(): void;
  /** The stream is closed, by either side. Called once. */
  onClosed(): void;
}

/** What the stream needs of the response. */
export interface WatchResponse {
  readonly destroyed: boolean;
  readonly writableLength: number;
  write(bytes: Buffer): boolean;
  end(): unknown;
  destroy(): unknown;
  on(event: 'drain', listener: () => void): unknown;
  once(event: 'close', listener: () => void): unknown;
}

/**
 * The bytes of one watch. They are written to the response as long as the socket takes them; then they wait, up to a bound.
 * While the client does not read, the watch keeps nothing else but its position.
 */
export class WatchStream implements LiveBody {
  private readonly waiting: Buffer[] = [];
  private waitingBytes = 0;
  /** What the socket has not taken yet of what was written to it, if that is so much that nothing more is written. */
  private untakenBytes = 0;
  private response: WatchResponse | undefined;
  /** Whether the socket has taken what was written. */
  private isTaking = false;
  private fullSinceMs: number | undefined;
  private isEnded = false;
  private isClosed = false;

  constructor(
    private readonly backlogs: WatchBacklogs,
    private readonly owner: WatchStreamOwner,
  ) {}

  /** Whether there is room for more bytes. If not, the time of {@link fullForMs} begins with the first question. */
  get wantsMore(): boolean {
    if (this.fullSinceMs === undefined && this.backlogs.isFullWith(this.waitingBytes))
      this.fullSinceMs = this.backlogs.nowMs;
    return this.fullSinceMs === undefined && !this.isEnded && !this.isClosed;
  }

  /** For how long (ms) the client has not read its backlog, while this process ran; 0: there is room in it. */
  get fullForMs(): number {
    return this.fullSinceMs === undefined ? 0 : this.backlogs.awakeMsSince(this.fullSinceMs);
  }

  sendTo(response: WatchResponse): void {
    if (this.isClosed || response.destroyed) {
      response.destroy();
      this.close();
      return;
    }
    this.response = response;
    response.once('close', () => this.close());
    response.on('drain', () => this.flush());
    this.flush();
  }

  /** Adds bytes to those that the client reads. */
  write(bytes: Buffer): void {
    if (this.isEnded || this.isClosed) return;
    if (this.isTaking) {
      this.pass(bytes);
      return;
    }
    this.waiting.push(bytes);
    this.wait(bytes.length);
  }

  /** Ends the stream once the client has read everything. */
  end(): void {
    if (this.isEnded || this.isClosed) return;
    this.isEnded = true;
    if (this.isTaking) this.response!.end();
  }

  /** Ends the stream at once. */
  destroy(): void {
    // The connection of a response that is complete may serve another one.
    if (this.isClosed) return;
    this.response?.destroy();
    this.close();
  }

  /** Writes what waits, as long as the socket takes it. */
  private flush(): void {
    this.backlogs.add(-this.untakenBytes);
    this.untakenBytes = 0;
    this.isTaking = true;
    let written = 0;
    while (this.isTaking && written < this.waiting.length) {
      const next = this.waiting[written++]!;
      this.wait(-next.length);
      this.pass(next);
    }
    this.waiting.splice(0, written);
    if (this.isEnded && this.waiting.length === 0) this.response!.end();
    if (this.fullSinceMs === undefined || this.backlogs.isFullWith(this.waitingBytes)) return;
    this.fullSinceMs = undefined;
    this.owner.onWanted();
  }

  private pass(bytes: Buffer): void {
    const response = this.response!;
    this.isTaking = response.write(bytes);
    if (this.isTaking) return;
    this.untakenBytes = response.writableLength;
    this.backlogs.add(this.untakenBytes);
  }

  private wait(bytes: number): void {
    this.waitingBytes += bytes;
    this.backlogs.add(bytes);
  }

  private close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.isTaking = false;
    this.waiting.length = 0;
    this.wait(-this.waitingBytes);
    this.backlogs.add(-this.untakenBytes);
    this.untakenBytes = 0;
    this.owner.onClosed();
  }
}
