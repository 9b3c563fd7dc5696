import { type Databases, query, withSilenceTimeout } from '@coordination/database';
import { type Clock } from '@coordination/kernel';
import { type BackgroundTask } from '@coordination/observability';
import { type InstanceRecord } from '@coordination/catalog';
import { newest } from './instance-lease.repository.js';

/** How often (ms) notes are written. */
const FLUSH_MS = 1_000;
/** Nodes that started together shall not write together. */
const JITTER = 0.2;
/** How long (ms) a statement may take before its connection is cut: much longer than renewals allow theirs. */
const SILENCE_MS = 10_000;
/** The most notes that one statement carries. */
const MAX_FLUSH = 10_000;

/**
 * As renewals do, it passes over leases that a writing transaction holds, and is not flushed to disk. That the process before
 * was looked at is nothing that the next one is told of.
 */
const NOTE = `
  with unflushed as materialized (
    select set_config('synchronous_commit', 'off', true)
  ), note as (
    select n.* from unnest($1::uuid[], $2::float8[], $3::int[]) as n (id, age_ms, number), unflushed
  ), held as (
    select l.instance_id from instance_lease l join note on note.id = l.instance_id
    order by l.instance_id for update of l skip locked
  )
  update instance_lease l set checked_at = ${newest('l.checked_at', 'now() - make_interval(secs => note.age_ms / 1000)')}
  from held join note on note.id = held.instance_id
  where l.instance_id = held.instance_id and l.incarnation_number = note.number`;

interface Note {
  /** Monotonic time (ms). */
  readonly at: number;
  readonly incarnationNumber: number;
}

/**
 * Notes when instances were last probed, which makes no revision. It is for people: nothing depends on it, so what
 * cannot be written is forgotten, and never keeps a renewal from its place.
 */
export class LastCheckedRecorder {
  private waiting = new Map<string, Note>();
  private timer: NodeJS.Timeout | undefined;
  private flushing: Promise<void> | undefined;
  private closed = false;

  constructor(
    private readonly databases: Databases,
    private readonly clock: Clock,
    private readonly task: BackgroundTask,
  ) {}

  /** An instance was looked at just now, in its present incarnation. */
  note({ id, incarnationNumber }: Pick<InstanceRecord, 'id' | 'incarnationNumber'>): void {
    if (this.closed) return;
    this.waiting.set(id, { at: this.clock.monotonicMs(), incarnationNumber });
    this.schedule();
  }

  /** Writes what is left; nothing is noted afterwards. */
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
    ];
    const { databases, task } = this;
    const write = () => query(databases.em('leases'), NOTE, notes);
    // The task has noted it.
    await task.turn(() => withSilenceTimeout(databases, 'leases', SILENCE_MS, write)).catch(() => undefined);
  }
}
