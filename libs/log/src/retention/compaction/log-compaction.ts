import { join } from 'node:path';
import { type Databases } from '@coordination/database';
import { newId } from '@coordination/kernel';
import { type Client } from 'pg';
import { type CatalogHeadRepository } from '../../head/catalog-head.repository.js';
import { epochAt } from '../../epochs/epoch-at.js';
import { EpochLogRepository } from '../../epochs/epoch-log.repository.js';
import { hasMoved } from '../../events/server-identity.js';
import { LogPartitionRepository } from '../../partitions/log-partition.repository.js';
import { type ServiceEventRepository } from '../../events/service-event.repository.js';
import { compactedEvent } from '../compacted-event.js';
import { LogCutRepository } from '../log-cut.repository.js';
import { oldestOf } from '../log-cut.js';
import { BaselineRepository } from './baseline.repository.js';
import { type Begin, CutExport } from './cut-export.js';
import { type CutPlan, type PartitionExtent, planCuts } from './cut-plan.js';
import { clearLeftovers, type WrittenFile } from './export-file.js';
import { LogCuttingRepository, type UnfinishedCut } from './log-cutting.repository.js';
import { olderSnapshotsGone } from './older-snapshots.js';
import { PartitionRemoval } from './partition-removal.js';

/** How long (ms) the head may be held while a cut is noted; two small inserts. */
const HOLD_LIMIT_MS = 2_000;

/** What is to be removed, and how. */
export interface CompactionOptions {
  /** Events of the last so many days stay. */
  readonly retentionDays: number;
  /** Folder that what goes is written to before. */
  readonly exportDir: string;
  /** The most partitions that go, one after the other. */
  readonly mostPartitions: number;
  /** How long (ms) transactions that are older than the cut may take to end. */
  readonly patienceMs: number;
  /** Only says what would be done. */
  readonly isDryRun: boolean;
}

/** What a compaction works with. */
export interface CompactionTools {
  /** Of the role of the maintenance. */
  readonly databases: Databases;
  /** A connection of its own, of the same role: what it does must not be within a transaction. */
  readonly client: Client;
  readonly heads: CatalogHeadRepository;
  readonly events: ServiceEventRepository;
  /** Says each step, before the next one begins. */
  readonly say: (line: string) => void;
  /** Ends it between two steps. */
  readonly signal?: AbortSignal;
}

/**
 * Removes the beginning of the log: exports it, keeps the state of the catalog at the cut, notes the cut, and then lets the
 * partitions go. It may be killed between any two steps, and goes on or begins anew the next time: until the cut is noted,
 * nothing has changed that anybody could see; from then on everything that goes is exported, and known by name.
 */
export class LogCompaction {
  private readonly partitions = new LogPartitionRepository();
  private readonly cuts = new LogCutRepository();
  private readonly cutting = new LogCuttingRepository();
  private readonly baseline = new BaselineRepository();
  private readonly epochs = new EpochLogRepository();

  constructor(private readonly tools: CompactionTools) {}

  /** @throws Error with a line for people that says what stands in the way, and what to do */
  async run(options: CompactionOptions): Promise<void> {
    const { say } = this.tools;
    if (options.isDryRun) await this.sayUnfinished();
    else await this.finishAll(options);
    const keptFrom = await this.cutting.keptFrom(this.em(), options.retentionDays);
    let begin: Begin = (await this.cuts.find(this.em())) ?? { revision: 0, hash: undefined };
    const plans = (await this.plan(begin, keptFrom)).slice(0, options.mostPartitions);
    if (plans.length === 0) {
      say(`Nothing to remove: no partition but that of the head has only events from before ${keptFrom}.`);
      return;
    }
    for (const plan of plans) {
      say(
        `To be removed: revisions ${begin.revision + 1} to ${plan.last.revision} (${plan.last.at}), in ` +
          `${plan.partitions.map(({ name }) => name).join(', ')}. Events from ${keptFrom} on stay.`,
      );
      if (!options.isDryRun) await this.cut(begin, plan, options);
      begin = plan.last;
    }
    if (options.isDryRun) say('This was a dry run: nothing was changed.');
  }

  private async cut(begin: Begin, plan: CutPlan, options: CompactionOptions): Promise<void> {
    const { say } = this.tools;
    const { last } = plan;
    const epoch = await this.epochOf(last.revision);
    const name = `audit-${epoch.slice(0, 8)}-${begin.revision + 1}-${last.revision}.ndjson`;
    const path = join(options.exportDir, name);
    const file = await new CutExport(this.tools, { begin, last, path }).make();
    say(`Exported ${file.events} events to ${path}, SHA-256 ${file.sha256}.`);
    await clearLeftovers(path, say);
    await this.baseline.fill(this.em(), begin.revision, last.revision);
    say(`The state of the catalog at revision ${last.revision} is kept.`);
    await this.note(begin, plan, epoch, { ...file, name });
    say(`The log is cut at revision ${last.revision}, hash ${last.hash}. Keep both: they are an anchor.`);
    await this.finishAll(options);
  }

  private em() {
    this.tools.signal?.throwIfAborted();
    return this.tools.databases.em('writer');
  }

  private async plan(begin: Begin, keptFrom: string): Promise<CutPlan[]> {
    const em = this.em();
    const head = await this.tools.heads.read(em);
    const extents: PartitionExtent[] = [];
    for (const partition of await this.partitions.list(em)) {
      const last = await this.cutting.lastIn(em, partition);
      // What lies before a cut that is not finished is on its way out already.
      if (!last || last.revision > begin.revision) extents.push({ ...partition, last });
    }
    return planCuts(extents, { head: head.revision, keptFrom });
  }

  private async epochOf(revision: number): Promise<string> {
    const em = this.em();
    const head = await this.tools.heads.read(em);
    return await epochAt(em, revision, head.epoch);
  }

  /** Notes the cut and what is told of it, in one transaction: from its commit on the log begins after it. */
  private async note(
    begin: Begin,
    { last, partitions }: CutPlan,
    epoch: string,
    file: WrittenFile & { readonly name: string },
  ): Promise<void> {
    const { databases, heads, events } = this.tools;
    await events.ensurePartitions(this.em(), (await heads.read(this.em())).revision + 1);
    await databases.em('writer').transactional(async em => {
      const head = await heads.lock(em, HOLD_LIMIT_MS);
      if (hasMoved(head)) {
        throw new Error(
          'The catalog has come to another server than it was written on, and no node has vouched for it yet. ' +
            'Nothing was removed. Let a node of the service run first.',
        );
      }
      if (oldestOf(await this.cuts.find(em)) !== begin.revision) {
        throw new Error('The log has been cut by somebody else meanwhile. Nothing was removed; run this again.');
      }
      const gaps = (await this.epochs.gaps(em)).filter(({ before }) => before <= last.revision);
      const told = {
        ...last,
        epoch,
        firstRevision: begin.revision + 1,
        events: file.events,
        exportFile: file.name,
        exportSha256: file.sha256,
      };
      const event = compactedEvent(head, told, newId());
      const names = partitions.map(({ name }) => name);
      await this.cutting.note(em, { ...told, gaps, partitions: names, eventRevision: event.revision });
      await events.append(em, head, [event]);
    });
  }

  private async sayUnfinished(): Promise<void> {
    for (const { revision, partitions } of await this.cutting.unfinished(this.em())) {
      this.tools.say(`The cut at revision ${revision} would be finished: ${partitions.join(', ')} would go.`);
    }
  }

  /** Lets go what lies before noted cuts. */
  private async finishAll({ patienceMs }: CompactionOptions): Promise<void> {
    for (const cut of await this.cutting.unfinished(this.em())) await this.finish(cut, patienceMs);
  }

  private async finish({ revision, partitions }: UnfinishedCut, patienceMs: number): Promise<void> {
    const { client, say } = this.tools;
    const em = this.em();
    // Whoever read the cut before it was noted must see everything until he has ended.
    await olderSnapshotsGone(client, patienceMs);
    say('No transaction is left that does not know of the cut.');
    const removal = new PartitionRemoval(client);
    // In their order, so that what is left never has a hole.
    for (const name of partitions) {
      this.tools.signal?.throwIfAborted();
      await removal.detach(name);
      say(`${name} is detached.`);
      await removal.drop(name, revision);
      say(`${name} is removed.`);
    }
    await this.baseline.tidy(em, revision);
    say(`The baseline is in order: ${await this.baseline.size(em)} rows.`);
    await this.cutting.finish(em, revision);
    say(`The log begins after revision ${revision} now.`);
  }
}
