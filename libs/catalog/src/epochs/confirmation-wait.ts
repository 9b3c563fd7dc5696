import { setTimeout as delay } from 'node:timers/promises';
import { type Settings } from '@coordination/config';
import { Clock } from '@coordination/kernel';
import { Metrics } from '@coordination/observability';
import { awakeMsSince, LoopDelay } from '@coordination/scheduling';
import { Inject, Injectable, Logger, type OnModuleInit, Optional } from '@nestjs/common';
import { EpochManager, type EpochLogger } from './epoch-manager.js';

/** How often (ms) a node that cannot confirm the history checks whether another node has. */
const POLL_MS = 250;

/** How long another node may take to confirm a history that this one cannot. */
export const confirmationLimit = ({ PCS_EPOCH_CONFIRM_MS }: Settings) => ({ confirmMs: PCS_EPOCH_CONFIRM_MS });

export type ConfirmationLimit = ReturnType<typeof confirmationLimit>;

/** Waits until the history is confirmed, which a node does that knows more of it than this one. */
@Injectable()
export class ConfirmationWait implements OnModuleInit {
  private waitingSinceMs: number | undefined;

  constructor(
    @Inject(EpochManager) private readonly epochs: Pick<EpochManager, 'settle'>,
    private readonly clock: Clock,
    @Inject(confirmationLimit) private readonly limit: ConfirmationLimit,
    private readonly metrics: Metrics,
    @Inject(LoopDelay) private readonly stalls: Pick<LoopDelay, 'stalledMsSince'>,
    @Optional() private readonly logger: Pick<EpochLogger, 'warn'> = new Logger('History'),
  ) {}

  onModuleInit(): void {
    this.metrics.observedGauge(
      'history_undecided_seconds',
      'Seconds that this node has been waiting for another one to confirm the history; 0 normally.',
      () => this.waitingSeconds ?? 0,
    );
  }

  /** For how long (seconds) this node has been waiting; undefined: it is not. */
  get waitingSeconds(): number | undefined {
    const since = this.waitingSinceMs;
    return since === undefined ? undefined : (this.clock.monotonicMs() - since) / 1_000;
  }

  /**
   * Resolves when another node has confirmed the history, or when the time for that has passed, after which this node starts
   * a new epoch; also when aborted. Stalls of this process do not count: whatever stalled it, such as a paused host, may have
   * stalled the others as well.
   * @throws StoreUnavailableError
   */
  async untilConfirmed(signal: AbortSignal): Promise<void> {
    const since = this.clock.monotonicMs();
    const { confirmMs } = this.limit;
    this.waitingSinceMs = since;
    try {
      for (let first = true; !signal.aborted; first = false) {
        const isOver = awakeMsSince(this.stalls, since, this.clock) >= confirmMs;
        if ((await this.epochs.settle(isOver)) !== 'unconfirmed') return;
        if (first) {
          this.logger.warn(
            'The catalog has moved to another server or timeline, and this node cannot tell whether it is complete. The node ' +
              `waits ${confirmMs} ms for a node that can; then it starts a new epoch. Nothing is written meanwhile.`,
          );
        }
        await delay(POLL_MS * (0.5 + Math.random()), undefined, { signal }).catch(() => undefined);
      }
    } finally {
      this.waitingSinceMs = undefined;
    }
  }
}
