import { type FoundRevision, LogCutRepository } from '@coordination/log';
import { Injectable, Optional } from '@nestjs/common';
import { Databases, query, readSnapshot } from '@coordination/database';
import { SortedValues } from '@coordination/kernel';
import {
  CatalogView,
  ChangeFeed,
  type InstanceRecord,
  normalizeRecord,
  type StoredRecord,
  type ViewHead,
} from '@coordination/catalog';
import { type Turn } from '@coordination/scheduling';
import { type EntityManager } from '@mikro-orm/postgresql';
import { type Statement } from '../../selection/selection-sql.js';
import { PAST_SETTINGS } from '../past-sql.js';
import { type Earlier, rolledBack } from './roll-back.js';
import { type FirstTouch, firstTouches, hasEvent, statesBefore } from './touch-sql.js';

/** How far back it is worth it: with more events of a service after a revision, the log is scanned instead. */
const MAX_EVENTS = 10_000;

/** How many instances, each of up to 33 kB, a statement reads. */
const STATES_STEP = 250;

/** How long (ms) to wait for a view that has not reached the revision; a read of the log costs much more. */
const REACH_MS = 500;

interface NamedService {
  readonly namespace: string;
  readonly service: string;
}

/** The view of this node, and the instances of a service in it, at one moment. */
interface ViewMoment {
  readonly position: ViewHead;
  readonly instances: readonly InstanceRecord[];
}

/**
 * Services at revisions shortly before that of the view. The instances that changed since are few: they are rolled back to what
 * they were before the first change, from the newest changes in memory or, if these do not reach back far enough, from the
 * events of the service in the log.
 */
@Injectable()
export class RecentPast {
  private readonly sorted = new SortedValues();

  constructor(
    private readonly view: CatalogView,
    private readonly changes: ChangeFeed,
    private readonly databases: Databases,
    private readonly cuts: LogCutRepository,
    @Optional() private readonly maxEvents = MAX_EVENTS,
  ) {}

  /** Whether the view follows the history of a revision, and has reached it. Waits for a moment for one that has not. */
  async reaches({ revision, head }: FoundRevision): Promise<boolean> {
    const isSameHistory = () => this.view.position?.epoch === head.epoch;
    return isSameHistory() && (await this.view.reached(revision, REACH_MS)) && isSameHistory();
  }

  /**
   * The revision of a service that has instances, if nothing touched it after a revision that the view has reached: then its
   * past is its present.
   */
  untouchedSince({ namespace, service }: NamedService, revision: number): number | undefined {
    const entry = this.view.services(namespace).get(service);
    return entry && entry.instances.size > 0 && entry.revision <= revision ? entry.revision : undefined;
  }

  /**
   * The instances of a service at a revision that the view has reached, by instanceId in the order of code units; undefined
   * when too much has changed since, or when the log does not have the position of the view: then the log must be scanned.
   * @throws RevisionCompactedError, StoreUnavailableError
   */
  async instancesAt(of: NamedService, revision: number, turn: Turn): Promise<readonly InstanceRecord[] | undefined> {
    if (turn.isOver) await turn.next();
    const { position } = this.view;
    if (!position || position.revision < revision) return undefined;
    const moment = { position, instances: this.sorted.of(this.view.instancesOf(of.namespace, of.service)) };
    const earlier = this.inMemory(of, revision) ?? (await this.fromLog(of, revision, moment, turn));
    return earlier && rolledBack(moment.instances, earlier);
  }

  /** Must be called in one go with taking the instances from the view. */
  private inMemory({ namespace, service }: NamedService, revision: number): Earlier | undefined {
    if (revision < this.changes.floor) return undefined;
    const earlier = new Map<string, InstanceRecord | null>();
    const changes = this.changes.after(revision, this.maxEvents + 1) ?? [];
    if (changes.length > this.maxEvents) return undefined;
    for (const { namespace: inNamespace, service: ofService, before, after } of changes) {
      if (inNamespace !== namespace || ofService !== service) continue;
      const instanceId = (before ?? after)?.instanceId;
      if (instanceId !== undefined && !earlier.has(instanceId)) earlier.set(instanceId, before);
    }
    return earlier;
  }

  private async fromLog(
    of: NamedService,
    revision: number,
    { position }: ViewMoment,
    turn: Turn,
  ): Promise<Earlier | undefined> {
    const span = { ...of, after: revision, upTo: position.revision };
    const touched = await turn.waitFor(
      this.read(revision, async em => {
        // The server may have lost the end of the log that the view has.
        const [known] = await rowsOf<{ found: boolean }>(em, hasEvent(position.revision, position.hash));
        return known!.found ? await rowsOf<FirstTouch>(em, firstTouches(span, this.maxEvents + 1)) : undefined;
      }),
    );
    if (!touched || touched.reduce((sum, { touches }) => sum + touches, 0) > this.maxEvents) return undefined;
    const earlier = new Map<string, InstanceRecord | null>();
    for (let start = 0; start < touched.length; start += STATES_STEP) {
      const step = touched.slice(start, start + STATES_STEP);
      const statement = statesBefore(step.map(touch => touch.revision));
      const reading = this.read(revision, em => rowsOf<{ before: StoredRecord | null }>(em, statement));
      const rows = await turn.waitFor(reading);
      for (const [n, { instanceId }] of step.entries()) {
        if (turn.isOver) await turn.next();
        const before = rows[n]!.before;
        earlier.set(instanceId, before && normalizeRecord(before));
      }
    }
    return earlier;
  }

  private async read<Result>(revision: number, work: (em: EntityManager) => Promise<Result>): Promise<Result> {
    return await readSnapshot(
      this.databases,
      async em => {
        await this.cuts.assertRetained(em, revision);
        return await work(em);
      },
      { settings: PAST_SETTINGS },
    );
  }
}

const rowsOf = <Row>(em: EntityManager, { text, parameters }: Statement): Promise<Row[]> =>
  query<Row>(em, text, parameters);
