import { type CatalogView } from '@coordination/catalog';
import { type BackgroundTask } from '@coordination/observability';
import {
  afterProbe,
  type CatalogWriter,
  type LastCheckedRecorder,
  isAnother,
  isProbed,
  type ProbeVerdict,
} from '@coordination/registry';
import { LIVENESS } from '../liveness-origin.js';
import { type ProbedRecord } from './probed-record.js';

export interface ProbeReportsTools {
  readonly view: Pick<CatalogView, 'find'>;
  readonly writer: Pick<CatalogWriter, 'submit'>;
  readonly notes: Pick<LastCheckedRecorder, 'note'>;
  readonly ownNodeId: () => string | undefined;
  readonly task: BackgroundTask;
}

/**
 * Makes known what probes found: when they looked, outside the log, and through the log what changes the state. The
 * writer decides again on what is stored then. What cannot be written is not kept: the next probe finds it again.
 */
export class ProbeReports {
  /** Instances whose last report could not be written. As long as there is one, reports of others are no recovery. */
  private readonly unwritten = new Set<string>();

  constructor(private readonly tools: ProbeReportsTools) {}

  /** Never fails. */
  async report(probed: ProbedRecord, verdict: ProbeVerdict): Promise<void> {
    const { view, writer, notes, ownNodeId, task } = this.tools;
    const record = view.find(probed.id);
    if (!record || !isProbed(record.check) || isAnother(probed, record)) return this.settle(probed.id);
    notes.note(record);
    if (afterProbe(record.health, record.check, verdict, record.health.since) === record.health) {
      return this.settle(record.id);
    }
    const target = { id: record.id };
    const turn = task.begin();
    try {
      await writer.submit({
        commands: [{ kind: 'report-probe', target, whenAbsent: 'ignore', probed, verdict }],
        origin: { ...LIVENESS, reason: `probed by ${ownNodeId() ?? 'this node'}` },
      });
      turn.dropped();
      this.unwritten.delete(record.id);
      if (this.unwritten.size === 0) task.succeeded();
    } catch (error) {
      this.unwritten.add(record.id);
      turn.failed(error);
    }
  }

  /** Nothing is to be written of an instance any more: another node probes it, or nobody does. */
  settle(id: string): void {
    if (this.unwritten.delete(id) && this.unwritten.size === 0) this.tools.task.rests();
  }
}
