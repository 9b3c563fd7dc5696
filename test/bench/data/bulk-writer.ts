import {
  CatalogHeadRepository,
  type LockedHead,
  LOG_ENTITIES,
  type LogEvent,
  ServiceEventRepository,
} from '@coordination/log';
import { Databases, query } from '@coordination/database';
import { newId } from '@coordination/kernel';
import { identityKey, type LeasedInstance, type ServiceTouch } from '@coordination/catalog';
import { REGISTRY_ENTITIES, ServiceInstanceRepository } from '@coordination/registry';
import { planBatch, touchesOf } from '@coordination/registry/testing';
import { batchesOf } from './batches-of.js';
import { type Step } from './realistic-history.js';

const HOLD_LIMIT_MS = 60_000;

/** Changes of one transaction. */
const BATCH = 1_000;

/** From the first event to the last one, whatever their number: long enough for times to be told apart. */
const DAYS = 30;
const DAY_MS = 86_400_000;

/** What was written. */
export interface Written {
  readonly events: number;
  readonly seconds: number;
}

/**
 * Writes a log and the catalog that it leads to, with the service's own rules, chain and SQL, but past its queue: the
 * log batch by batch, and each instance once, as it is at the end. What a node finds is what it would have written.
 */
export class BulkWriter {
  private readonly heads = new CatalogHeadRepository();
  private readonly events = new ServiceEventRepository();
  private readonly instances = new ServiceInstanceRepository();
  private readonly current = new Map<string, LeasedInstance>();
  private readonly touches = new Map<string, ServiceTouch>();
  private roomUpTo = 0;

  private constructor(private readonly databases: Databases) {}

  /**
   * Writes into a database that is migrated and empty.
   * @param expected how many steps there are, for their times
   * @param say is told how far it is
   */
  static async write(
    url: string,
    steps: Iterable<Step>,
    expected: number,
    say?: (line: string) => void,
  ): Promise<Written> {
    const begun = performance.now();
    const entities = [...LOG_ENTITIES, ...REGISTRY_ENTITIES];
    const databases = await Databases.open({ url, ssl: 'off', poolMax: 2, entities });
    try {
      const writer = new BulkWriter(databases);
      const events = await writer.withoutIndexes(() => writer.appendAll(steps, expected, say));
      await writer.saveAll();
      // What autovacuum would have done by the time that a catalog has become so large.
      for (const table of ['service_event', 'service_instance', 'instance_lease', 'service_revision', 'catalog_head']) {
        await writer.execute(`vacuum (analyze) ${table}`);
      }
      await writer.execute('checkpoint');
      return { events, seconds: (performance.now() - begun) / 1_000 };
    } finally {
      await databases.close();
    }
  }

  /** The indexes of the log, but for its key, are made again at the end: sorted once, instead of event by event. */
  private async withoutIndexes<T>(work: () => Promise<T>): Promise<T> {
    const indexes = await this.execute<{ name: string; definition: string }>(
      `select indexrelid::regclass::text as name, replace(pg_get_indexdef(indexrelid), ' ON ONLY ', ' ON ') as definition
       from pg_index where indrelid = 'service_event'::regclass and not indisprimary`,
    );
    for (const { name } of indexes) await this.execute(`drop index ${name}`);
    const result = await work();
    for (const { definition } of indexes) await this.execute(definition);
    return result;
  }

  private execute<Row>(text: string): Promise<Row[]> {
    return query<Row>(this.databases.em('writer'), text);
  }

  /** Deciding and hashing the next batch goes on while the database takes the one before. */
  private async appendAll(steps: Iterable<Step>, expected: number, say?: (line: string) => void): Promise<number> {
    const from = Date.now() - DAYS * DAY_MS;
    let head = await this.databases.em('writer').transactional(em => this.heads.lock(em, HOLD_LIMIT_MS));
    let appended: Promise<void> = Promise.resolve();
    for (const batch of batchesOf(steps, BATCH)) {
      const now = new Date(from + (head.revision / expected) * DAYS * DAY_MS).toISOString();
      const events = this.decide(batch, { ...head, now, clock: now });
      await appended;
      appended = this.append(head, events);
      const last = events.at(-1)!;
      if (Math.floor(last.revision / 100_000) > Math.floor(head.revision / 100_000)) say?.(`${last.revision} events`);
      head = { ...head, revision: last.revision, hash: last.hash };
    }
    await appended;
    return head.revision;
  }

  private decide(batch: readonly Step[], head: LockedHead): readonly LogEvent[] {
    const keys = new Set(batch.map(keyOf));
    const found = [...keys].flatMap(key => this.current.get(key) ?? []);
    const requests = batch.map(({ command, origin }) => ({ commands: [command], origin }));
    const limits = { maxChanges: Number.POSITIVE_INFINITY, maxBytes: Number.POSITIVE_INFINITY };
    const plan = planBatch({ head, batchId: newId(), requests, found, limits });
    if (plan.events.length !== batch.length)
      throw new Error(`${batch.length} steps made ${plan.events.length} events.`);
    for (const { before, after } of plan.changes) {
      const key = identityKey((after ?? before!).instance);
      if (after) this.current.set(key, after);
      else this.current.delete(key);
    }
    for (const touch of touchesOf(plan.events)) this.touches.set(`${touch.namespace}/${touch.service}`, touch);
    return plan.events;
  }

  private async append(head: LockedHead, events: readonly LogEvent[]): Promise<void> {
    const last = events.at(-1)!.revision;
    if (last > this.roomUpTo) this.roomUpTo = await this.events.ensurePartitions(this.databases.em('writer'), last);
    await this.databases.em('writer').transactional(async em => {
      const { fence } = await this.heads.lock(em, HOLD_LIMIT_MS);
      await this.events.append(em, { ...head, fence }, events);
    });
  }

  private async saveAll(): Promise<void> {
    const renewedAt = new Date().toISOString();
    for (const batch of batchesOf(this.current.values(), BATCH)) {
      const changes = batch.map(({ instance, lease }) => ({
        before: undefined,
        after: { instance, lease: { ...lease, renewedAt } },
      }));
      await this.save(changes, []);
    }
    for (const batch of batchesOf(this.touches.values(), BATCH)) await this.save([], batch);
  }

  private async save(
    ...[changes, touches]: [Parameters<ServiceInstanceRepository['save']>[1], readonly ServiceTouch[]]
  ) {
    await this.databases.em('writer').transactional(em => this.instances.save(em, changes, touches));
  }
}

/** Which instance a step is about. */
function keyOf({ command }: Step): string {
  if (command.kind === 'register') return identityKey(command.identity);
  return 'identity' in command.target ? identityKey(command.target.identity) : command.target.id;
}
