import { Databases, withSilenceTimeout } from '@coordination/database';
import { type EntityManager } from '@mikro-orm/postgresql';
import { Inject, Injectable } from '@nestjs/common';
import { batchLimitMs, writeSettings, type WriteSettings } from './write-settings.js';

/** The connection of the writer, with its time limits. */
@Injectable()
export class WriterConnection {
  constructor(
    private readonly databases: Databases,
    @Inject(writeSettings) private readonly settings: WriteSettings,
  ) {}

  /** How long (ms) a node that hangs may hold the head of the log. */
  get headHoldLimitMs(): number {
    return this.settings.headHoldLimitMs;
  }

  /** Runs the statements of a batch, for as long as a batch may take. */
  async run<Result>(work: (em: EntityManager) => Promise<Result>): Promise<Result> {
    const { databases } = this;
    return await withSilenceTimeout(databases, 'writer', batchLimitMs(this.settings), () =>
      work(databases.em('writer')),
    );
  }
}
