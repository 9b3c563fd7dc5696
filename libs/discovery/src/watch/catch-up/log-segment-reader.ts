import { Databases, readSnapshot } from '@coordination/database';
import { CatalogHeadRepository, ServiceEventRepository } from '@coordination/log';
import { Injectable } from '@nestjs/common';
import { type LogSegment, toSegment } from './log-segment.js';

/** Reads segments of the log, each with the head in one snapshot. */
@Injectable()
export class LogSegmentReader {
  constructor(
    private readonly databases: Databases,
    private readonly heads: CatalogHeadRepository,
    private readonly events: ServiceEventRepository,
  ) {}

  /**
   * The oldest events after a revision.
   * @throws StoreUnavailableError when the database cannot be read
   */
  async read(after: number, limit: number): Promise<LogSegment> {
    return await readSnapshot(this.databases, async em => {
      const head = await this.heads.read(em);
      return toSegment(after, head, await this.events.findAfter(em, after, limit));
    });
  }
}
