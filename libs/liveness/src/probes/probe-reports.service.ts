import { Logger } from '@nestjs/common';
import { type CatalogView } from '@coordination/discovery';
import {
  afterProbe,
  type CatalogWriter,
  type CheckNotes,
  isAnother,
  isProbed,
  type ProbeVerdict,
} from '@coordination/registry';
import { LIVENESS } from '../liveness-origin.js';
import { type ProbedRecord } from './probed-record.js';

export interface ProbeReportsTools {
  readonly view: Pick<CatalogView, 'find'>;
  readonly writer: Pick<CatalogWriter, 'submit'>;
  readonly notes: Pick<CheckNotes, 'note'>;
  readonly ownNodeId: () => string | undefined;
}

/**
 * Makes known what probes found: when they looked, outside the log, and through the log what changes the state. The
 * writer decides again on what is stored then. What cannot be written is not kept: the next probe finds it again.
 */
export class ProbeReports {
  private readonly logger = new Logger('Probes');

  constructor(private readonly tools: ProbeReportsTools) {}

  /** Never fails. */
  async report(probed: ProbedRecord, verdict: ProbeVerdict): Promise<void> {
    const { view, writer, notes, ownNodeId } = this.tools;
    const record = view.find(probed.id);
    if (!record || !isProbed(record.check) || isAnother(probed, record)) return;
    notes.note(record);
    if (afterProbe(record.health, record.check, verdict, record.health.since) === record.health) return;
    const target = { id: record.id };
    try {
      await writer.submit({
        commands: [{ kind: 'report-probe', target, whenAbsent: 'ignore', probed, verdict }],
        origin: { ...LIVENESS, reason: `probed by ${ownNodeId() ?? 'this node'}` },
      });
    } catch (error) {
      this.logger.debug(`What a probe found could not be written: ${String(error)}`);
    }
  }
}
