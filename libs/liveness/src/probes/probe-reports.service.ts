import { Inject, Injectable } from '@nestjs/common';
import { CatalogView } from '@coordination/catalog';
import { type BackgroundTask, BackgroundTasks } from '@coordination/observability';
import {
  afterProbe,
  CatalogWriter,
  isAnother,
  isProbed,
  LastCheckedRecorder,
  type ProbeVerdict,
} from '@coordination/registry';
import { LIVENESS } from '../liveness-origin.js';
import { NodeRegistration } from '../nodes/node-registration.job.js';
import { type ProbedRecord } from './probed-record.js';
import { type ProbeOutcome } from './run/probe-outcome.js';

/**
 * Reports the results of probes: the time of the probe, and why it failed, outside the log, and a changed state through the log. The
 * writer decides again by what is stored then. A report that cannot be written is dropped; the next probe repeats it.
 */
@Injectable()
export class ProbeReports {
  private readonly task: BackgroundTask;
  /** Instances whose last report could not be written. As long as there are any, the task has not recovered. */
  private readonly unwritten = new Set<string>();

  constructor(
    @Inject(CatalogView) private readonly view: Pick<CatalogView, 'find'>,
    @Inject(CatalogWriter) private readonly writer: Pick<CatalogWriter, 'submit'>,
    @Inject(LastCheckedRecorder) private readonly lastChecked: Pick<LastCheckedRecorder, 'note'>,
    @Inject(NodeRegistration) private readonly node: Pick<NodeRegistration, 'nodeId'>,
    @Inject(BackgroundTasks) tasks: Pick<BackgroundTasks, 'task'>,
  ) {
    this.task = tasks.task('probe-reports');
  }

  /** Records why a probe did not succeed, or that it did; outside the log, and without judging the instance. */
  note({ id }: ProbedRecord, { result, output, fault }: ProbeOutcome): void {
    const record = this.view.find(id);
    if (!record || !isProbed(record.check)) return;
    const node = this.node.nodeId ?? null;
    if (result === 'success') this.lastChecked.note(record, null);
    else if (result === 'node') {
      this.lastChecked.note(record, { kind: 'node', reason: fault ?? 'stalled', message: output, node });
    } else this.lastChecked.note(record, { kind: 'instance', reason: result, message: output, node });
  }

  /**
   * Writes a changed state. It never fails.
   * @param confirmedBy another node that found the same
   */
  async report(probed: ProbedRecord, verdict: ProbeVerdict, confirmedBy?: string): Promise<void> {
    const { view, writer, node, task } = this;
    const record = view.find(probed.id);
    if (!record || !isProbed(record.check) || isAnother(probed, record)) return this.dropReport(probed.id);
    if (afterProbe(record.health, record.check, verdict, record.health.since) === record.health) {
      return this.dropReport(record.id);
    }
    const target = { id: record.id };
    const turn = task.begin();
    try {
      await writer.submit({
        commands: [{ kind: 'report-probe', target, whenAbsent: 'ignore', probed, verdict }],
        origin: {
          ...LIVENESS,
          reason: `probed by ${[node.nodeId ?? 'this node', confirmedBy].filter(name => name !== undefined).join(' and ')}`,
        },
      });
      turn.dropped();
      this.unwritten.delete(record.id);
      if (this.unwritten.size === 0) task.succeeded();
    } catch (error) {
      this.unwritten.add(record.id);
      turn.failed(error);
    }
  }

  /** Forgets a failed report of an instance: nothing has to be written, or this node does not probe it any more. */
  dropReport(id: string): void {
    if (this.unwritten.delete(id) && this.unwritten.size === 0) this.task.rests();
  }
}
