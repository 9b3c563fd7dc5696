import { Inject, Injectable } from '@nestjs/common';
import { Databases, isoTime, query, withSilenceTimeout } from '@coordination/database';
import { Clock } from '@coordination/kernel';
import { type BackgroundTask, BackgroundTasks } from '@coordination/observability';
import { type InstanceRecord, type ProbeError } from '@coordination/catalog';
import { heldFor, newest } from './instance-lease.repository.js';

/** How often (ms) times are written. */
const FLUSH_MS = 1_000;
/** Nodes that started together should not write at the same time. */
const JITTER = 0.2;
/** How long (ms) a statement may take before its connection is closed: much longer than for renewals. */
const SILENCE_MS = 10_000;
/** The most times that one statement carries. */
const MAX_FLUSH = 10_000;

const AT = 'now() - make_interval(secs => note.age_ms / 1000)';

/**
 * Records the last probes of the leases that are free. Probes of an earlier incarnation do not count. A probe for which the node
 * lacked something did not check the instance.
 */
const NOTE = `
  with ${heldFor('note', 'id, age_ms, number, error', '$1::uuid[], $2::float8[], $3::int[], $4::jsonb[]')}
  update instance_lease l set
    checked_at = case when note.error ->> 'kind' = 'node' then l.checked_at else ${newest('l.checked_at', AT)} end,
    probe_error = note.error || jsonb_build_object('at', ${isoTime(`(${AT})`)})
  from held join note on note.id = held.instance_id
  where l.instance_id = held.instance_id and l.incarnation_number = note.number`;

interface Note {
  /** Monotonic time (ms). */
  readonly at: number;
  readonly incarnationNumber: number;
  readonly error: NotedError | null;
}

/** Why a probe did not succeed; the database adds the time. */
export type NotedError = Omit<ProbeError, 'at'>;

/**
 * Records when instances were last probed, and why that did not succeed, which takes no revision. Both are only shown to
 * people: what cannot be written is dropped, and renewals are never delayed.
 */
@Injectable()
export class LastCheckedRecorder {
  private waiting = new Map<string, Note>();
  private timer: NodeJS.Timeout | undefined;
  private flushing: Promise<void> | undefined;
  private closed = false;
  private readonly task: BackgroundTask;

  constructor(
    private readonly databases: Databases,
    private readonly clock: Clock,
    @Inject(BackgroundTasks) tasks: Pick<BackgroundTasks, 'task'>,
  ) {
    this.task = tasks.task('probe-notes');
  }

  /** Records that an instance was probed just now, in its present incarnation. @param error null: the probe succeeded */
  note({ id, incarnationNumber }: Pick<InstanceRecord, 'id' | 'incarnationNumber'>, error: NotedError | null): void {
    if (this.closed) return;
    this.waiting.set(id, { at: this.clock.monotonicMs(), incarnationNumber, error });
    this.schedule();
  }

  /** Writes what is left; nothing is recorded afterwards. */
  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer);
    await this.flushing;
    await this.flush();
  }

  private schedule(): void {
    if (this.timer !== undefined || this.flushing !== undefined || this.closed) return;
    this.timer = setTimeout(
      () => {
        this.timer = undefined;
        this.flushing = this.flushAndGoOn();
      },
      FLUSH_MS * (1 - JITTER * Math.random()),
    );
  }

  private async flushAndGoOn(): Promise<void> {
    await this.flush();
    this.flushing = undefined;
    if (this.waiting.size > 0) this.schedule();
  }

  private async flush(): Promise<void> {
    const taken = [...this.waiting].slice(0, MAX_FLUSH);
    if (taken.length === 0) return;
    for (const [id] of taken) this.waiting.delete(id);
    const now = this.clock.monotonicMs();
    const notes = [
      taken.map(([id]) => id),
      taken.map(([, { at }]) => now - at),
      taken.map(([, { incarnationNumber }]) => incarnationNumber),
      taken.map(([, { error }]) => error && JSON.stringify(error)),
    ];
    const { databases, task } = this;
    const write = () => query(databases.em('leases'), NOTE, notes);
    // The task has recorded the failure.
    await task.turn(() => withSilenceTimeout(databases, 'leases', SILENCE_MS, write)).catch(() => undefined);
  }
}
