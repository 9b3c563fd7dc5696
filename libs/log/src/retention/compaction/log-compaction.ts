import { join } from 'node:path';
import { type Databases } from '@coordination/database';
import { newId } from '@coordination/kernel';
import { type Client } from 'pg';
import { CatalogHeadRepository } from '../../head/catalog-head.repository.js';
import { epochAt } from '../../epochs/epoch-at.js';
import { EpochLogRepository } from '../../epochs/epoch-log.repository.js';
import { hasMoved } from '../../events/server-identity.js';
import { LogPartitionRepository } from '../../partitions/log-partition.repository.js';
import { ServiceEventRepository } from '../../events/service-event.repository.js';
import { compactedEvent } from '../compacted-event.js';
import { LogCutRepository } from '../log-cut.repository.js';
import { oldestOf } from '../log-cut.js';
import { BaselineRepository } from './baseline.repository.js';
import { CutExport, type ExportStart } from './cut-export.js';
import { type CutPlan, type PartitionExtent, planCuts } from './cut-plan.js';
import { clearLeftovers, type WrittenFile } from './export-file.js';
import { LogCuttingRepository, type UnfinishedCut } from './log-cutting.repository.js';
import { untilOlderSnapshotsEnd } from './older-snapshots.js';
import { PartitionRemoval } from './partition-removal.js';

/** How long (ms) the head may be locked while a cut is recorded; two small inserts. */
const HOLD_LIMIT_MS = 2_000;

/** What to remove, and how. */
export interface CompactionOptions {
  /** Events of the last so many days are retained. */
  readonly retentionDays: number;
  /** Directory to which events are exported before they are removed. */
  readonly exportDir: string;
  /** The most partitions with events to remove. */
  readonly mostPartitions: number;
  /** How long (ms) transactions that are older than the cut may take to end. */
  readonly patienceMs: number;
  /** Only reports what would be done. */
  readonly isDryRun: boolean;
}

/**
 * Removes the beginning of the log: exports it, stores the state of the catalog at the cut, records the cut, and then removes
 * the partitions. It may be killed between any two steps; the next run continues or starts again. Until the cut is recorded,
 * no reader can see a change; from then on, everything to be removed is exported and known by name.
 */
export class LogCompaction {
  private readonly heads = new CatalogHeadRepository();
  private readonly events = new ServiceEventRepository();
  private readonly partitions = new LogPartitionRepository();
  private readonly cuts = new LogCutRepository();
  private readonly cutting = new LogCuttingRepository();
  private readonly baseline = new BaselineRepository();
  private readonly epochs = new EpochLogRepository();

  constructor(
    /** Connections of the maintenance role. */
    private readonly databases: Databases,
    /** A further connection of that role, for statements that must not run in a transaction. */
    private readonly client: Client,
    /** Receives a line for each step, before the next one begins. */
    private readonly say: (line: string) => void,
    /** Ends the compaction between two steps. */
    private readonly signal?: AbortSignal,
  ) {}

  /** @throws Error with a message for the operator: the obstacle, and what to do */
  async run(options: CompactionOptions): Promise<void> {
    if (options.isDryRun) await this.reportUnfinished();
    else await this.finishAll(options);
    const retainedFrom = await this.cutting.retainedFrom(this.em(), options.retentionDays);
    let begin: ExportStart = (await this.cuts.find(this.em())) ?? { revision: 0, hash: undefined };
    const plans = (await this.plan(begin, retainedFrom)).slice(0, options.mostPartitions);
    if (plans.length === 0) {
      this.say(`Nothing to remove: no partition below that of the head has only events from before ${retainedFrom}.`);
      return;
    }
    for (const plan of plans) {
      this.say(
        `To be removed: revisions ${begin.revision + 1} to ${plan.last.revision} (${plan.last.at}), in ` +
          `${plan.partitions.map(({ name }) => name).join(', ')}. Events from ${retainedFrom} on are retained.`,
      );
      if (!options.isDryRun) await this.cut(begin, plan, options);
      begin = plan.last;
    }
    if (options.isDryRun) this.say('This was a dry run: nothing was changed.');
  }

  private async cut(begin: ExportStart, plan: CutPlan, options: CompactionOptions): Promise<void> {
    const { last } = plan;
    const epoch = await this.epochOf(last.revision);
    const name = `audit-${epoch.slice(0, 8)}-${begin.revision + 1}-${last.revision}.ndjson`;
    const path = join(options.exportDir, name);
    const file = await new CutExport(this.databases, { begin, last, path }, this.signal).make();
    this.say(`Exported ${file.events} events to ${path}, SHA-256 ${file.sha256}.`);
    await clearLeftovers(path, this.say);
    await this.baseline.fill(this.em(), begin.revision, last.revision);
    this.say(`The state of the catalog at revision ${last.revision} is stored.`);
    await this.record(begin, plan, epoch, { ...file, name });
    this.say(`The log is cut at revision ${last.revision}, hash ${last.hash}. Keep both: they are an anchor.`);
    await this.finishAll(options);
  }

  private em() {
    this.signal?.throwIfAborted();
    return this.databases.em('writer');
  }

  private async plan(begin: ExportStart, retainedFrom: string): Promise<CutPlan[]> {
    const em = this.em();
    const head = await this.heads.read(em);
    const extents: PartitionExtent[] = [];
    for (const partition of await this.partitions.list(em)) {
      const last = await this.cutting.lastIn(em, partition);
      // Partitions below an unfinished cut are already being removed.
      if (!last || last.revision > begin.revision) extents.push({ ...partition, last });
    }
    return planCuts(extents, { head: head.revision, retainedFrom });
  }

  private async epochOf(revision: number): Promise<string> {
    const em = this.em();
    const head = await this.heads.read(em);
    return await epochAt(em, revision, head.epoch);
  }

  /** Records the cut and appends its event, in one transaction: from its commit on, the log begins after the cut. */
  private async record(
    begin: ExportStart,
    { last, partitions }: CutPlan,
    epoch: string,
    file: WrittenFile & { readonly name: string },
  ): Promise<void> {
    const { databases, heads, events } = this;
    await events.ensurePartitions(this.em(), (await heads.read(this.em())).revision + 1);
    await databases.em('writer').transactional(async em => {
      const head = await heads.lock(em, HOLD_LIMIT_MS);
      if (hasMoved(head)) {
        throw new Error(
          'The catalog is on another server than it was last written on, and no node has confirmed its history yet. ' +
            'Nothing was removed. Start a node of the service first.',
        );
      }
      if (oldestOf(await this.cuts.find(em)) !== begin.revision) {
        throw new Error('Another compaction has cut the log meanwhile. Nothing was removed; run the command again.');
      }
      const gaps = (await this.epochs.gaps(em)).filter(({ before }) => before <= last.revision);
      const compacted = {
        ...last,
        epoch,
        firstRevision: begin.revision + 1,
        events: file.events,
        exportFile: file.name,
        exportSha256: file.sha256,
      };
      const event = compactedEvent(head, compacted, newId());
      const names = partitions.map(({ name }) => name);
      await this.cutting.record(em, { ...compacted, gaps, partitions: names, eventRevision: event.revision });
      await events.append(em, head, [event]);
    });
  }

  private async reportUnfinished(): Promise<void> {
    for (const { revision, partitions } of await this.cutting.unfinished(this.em())) {
      this.say(`The cut at revision ${revision} would be finished: ${partitions.join(', ')} would be removed.`);
    }
  }

  /** Removes the partitions of all recorded cuts. */
  private async finishAll({ patienceMs }: CompactionOptions): Promise<void> {
    for (const cut of await this.cutting.unfinished(this.em())) await this.finish(cut, patienceMs);
  }

  private async finish({ revision, partitions }: UnfinishedCut, patienceMs: number): Promise<void> {
    const em = this.em();
    // A transaction that read an earlier cut must be able to read the whole log after it until it ends.
    await untilOlderSnapshotsEnd(this.client, patienceMs);
    this.say('All transactions that began before the cut was recorded have ended.');
    const removal = new PartitionRemoval(this.client);
    // In order of revisions, so that the rest of the log never has a gap.
    for (const name of partitions) {
      this.signal?.throwIfAborted();
      await removal.detach(name);
      this.say(`${name} is detached.`);
      await removal.drop(name, revision);
      this.say(`${name} is removed.`);
    }
    await this.baseline.tidy(em, revision);
    this.say(`The baseline has ${await this.baseline.size(em)} rows.`);
    await this.cutting.finish(em, revision);
    this.say(`The log now begins after revision ${revision}.`);
  }
}
