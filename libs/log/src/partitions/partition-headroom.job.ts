import { type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { type Databases, mapStoreErrors, readSnapshot, withSilenceTimeout } from '@coordination/database';
import { type BackgroundTask } from '@coordination/observability';
import { type CatalogHeadRepository } from '../head/catalog-head.repository.js';
import { type ServiceEventRepository } from '../events/service-event.repository.js';
import { LOG_PARTITION_SIZE, roomAfter } from './log-partition.js';
import { type LogPartitionRepository } from './log-partition.repository.js';
import { type PartitionHeadroom } from './partition-headroom.js';

const EVERY_MS = 60_000;
const JITTER = 0.5;
const STATEMENT_LIMIT_MS = 4_000;

export interface LogRoomOptions {
  readonly databases: Databases;
  readonly heads: CatalogHeadRepository;
  readonly events: ServiceEventRepository;
  readonly partitions: LogPartitionRepository;
  readonly room: PartitionHeadroom;
  readonly task: BackgroundTask;
  /** Resolves when the tables are there. */
  readonly ready: Promise<unknown>;
  readonly everyMs?: number;
}

/**
 * Makes the next partition of the log as soon as the newest one is used, so that no writer has to make it while it holds
 * the head. Writers do it still when they find that there is too little room.
 */
export class PartitionHeadroomJob implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly ending = new AbortController();

  constructor(private readonly options: LogRoomOptions) {}

  onApplicationBootstrap(): void {
    const { ready, task, everyMs = EVERY_MS } = this.options;
    const { signal } = this.ending;
    void ready.then(() => task.repeat(() => this.look(), { everyMs, jitter: JITTER, signal }));
  }

  onModuleDestroy(): void {
    this.ending.abort();
  }

  private async look(): Promise<void> {
    const { room } = this.options;
    const found = await this.measure();
    room.note(found.room);
    if (found.room >= LOG_PARTITION_SIZE) return;
    await this.makeRoom(found.head);
    room.note((await this.measure()).room);
  }

  private async measure(): Promise<{ readonly head: number; readonly room: number }> {
    const { databases, heads, partitions } = this.options;
    return await readSnapshot(databases, async em => {
      const { revision } = await heads.read(em);
      return { head: revision, room: roomAfter(revision, await partitions.list(em)) };
    });
  }

  private async makeRoom(head: number): Promise<void> {
    const { databases, events } = this.options;
    const variables = {
      statement_timeout: STATEMENT_LIMIT_MS,
      lock_timeout: STATEMENT_LIMIT_MS / 2,
      tcp_user_timeout: STATEMENT_LIMIT_MS,
    };
    await mapStoreErrors(() =>
      withSilenceTimeout(databases, 'reads', 2 * STATEMENT_LIMIT_MS, () =>
        databases.em('reads').transactional(em => events.ensurePartitions(em, head + 1), {
          sessionContext: { variables },
        }),
      ),
    );
  }
}
