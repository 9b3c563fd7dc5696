import { Inject, Injectable, Logger, Optional } from '@nestjs/common';
import { SchemaGate } from '@coordination/database';
import { BackgroundTasks, PeriodicJob } from '@coordination/observability';
import { AuditQuery } from './audit-query.service.js';

const HOUR_MS = 3_600_000;
const JITTER = 0.1;

/** Set by tests only. */
interface Pace {
  readonly everyMs?: number;
}

/**
 * Writes the head of the audit log into the log output of the node, at start and every hour. Log output is usually stored
 * elsewhere; such a line can later prove what the audit log was at that time: see docs/audit.md.
 */
@Injectable()
export class HeadAnchorJob extends PeriodicJob {
  private readonly logger = new Logger('Audit');

  constructor(
    @Inject(AuditQuery) private readonly audit: Pick<AuditQuery, 'head'>,
    tasks: BackgroundTasks,
    schema: SchemaGate,
    @Optional() { everyMs = HOUR_MS }: Pace = {},
  ) {
    super({ task: tasks.task('head-anchor'), everyMs, jitter: JITTER, ready: schema.opened });
  }

  protected override async turn(): Promise<void> {
    const { revision, hash, epoch, at } = await this.audit.head();
    this.logger.log({ msg: 'Head of the log: an anchor to verify it by later', revision, hash, epoch, at });
  }
}
