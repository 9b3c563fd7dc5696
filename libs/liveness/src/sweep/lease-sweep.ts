import { type Databases, readSnapshot } from '@coordination/database';
import { ValidationFailedError } from '@coordination/kernel';
import { type CatalogWriter } from '@coordination/registry';
import { isAhead, type LeaseAllowance } from '@coordination/catalog';
import { type NodeRoleRepository, type RoleTerm, TermEndedError } from '@coordination/leadership';
import { type EntityManager } from '@mikro-orm/postgresql';
import { type Admission, admit, admitted } from '../guard/admission.js';
import { backSinceBy } from '../guard/outage-recovery.js';
import { type GuardRules } from '../guard/guard-rules.js';
import { type GuardOrder, type GuardState } from '../guard/guard-state.js';
import { evaluateGuard } from '../guard/evaluate-guard.js';
import { type LivenessGuardRepository } from '../guard/liveness-guard.repository.js';
import { RecentEvictions } from '../guard/recent-evictions.js';
import { LIVENESS } from '../liveness-origin.js';
import { countWindows } from './count-windows.js';
import { type EndedLease, type EndedLeasesRepository, type LeaseMoment } from './ended-leases.repository.js';
import { type GuardRecorder } from './guard-recorder.js';
import { type Redating } from './redating.js';
import { type SweepMetrics } from './sweep-metrics.js';

/** The most leases that one sweep ends; what is left comes with the next, at once. */
const MAX_AT_ONCE = 2_000;

/** Leases that one request ends: so few that requests of the API come between. */
const CHUNK = 100;

/** The most time (ms) that the bounded rate is counted for: a sweeper that comes late does not catch up. */
const LONGEST_PAUSE_MS = 2_000;

/**
 * How long (ms) each of the two looks at all leases may take. A sweep that is given up ends nothing, however often it is tried:
 * so this is more than other reads get. Together they outlast ten seconds, the most that a snapshot should last, only where
 * most of a million leases are over at once.
 */
const SWEEP_TIMEOUT_MS = 8_000;

export interface LeaseSweepTools {
  readonly databases: Databases;
  readonly writer: CatalogWriter;
  readonly roles: NodeRoleRepository;
  readonly leases: EndedLeasesRepository;
  readonly guards: LivenessGuardRepository;
  readonly keeper: GuardRecorder;
  readonly redating: Redating;
  readonly metrics: SweepMetrics;
  readonly rules: GuardRules;
  readonly flushBoundMs: number;
}

/** What is known when a sweep begins, all of one moment. */
interface Findings {
  readonly before: readonly GuardState[];
  readonly after: readonly GuardState[];
  readonly orders: readonly GuardOrder[];
  readonly moment: LeaseMoment;
  readonly due: readonly EndedLease[];
  /** Whether something is stored with a time that has not come. */
  readonly hasAhead: boolean;
}

/** A lease that cannot be ended. */
interface RefusedLease {
  readonly id: string;
  readonly error: Error;
}

/** Whether an error is due to what was to be ended: the database refused it, or it made deciding fail. All others have codes. */
const isAboutLeases = (error: unknown): error is Error =>
  error instanceof ValidationFailedError ||
  (error instanceof Error && (error as NodeJS.ErrnoException).code === undefined);

/** What a sweep meets on its way. */
interface SweepCourse {
  readonly refused: RefusedLease[];
  readonly progress: () => void;
}

/** Some leases that are over could not be ended, whenever they are tried; all others were. */
class UnendedLeasesError extends Error {
  override readonly name = 'UnendedLeasesError';

  constructor(count: number, of: number, { id, error }: RefusedLease) {
    super(`${count} of ${of} leases that are over could not be ended, that of ${id} among them: ${error.message}`);
  }
}

/** Looks for leases that are over, judges the guards, and ends what they let through. */
export class LeaseSweep {
  private readonly evictions = new RecentEvictions();

  constructor(private readonly tools: LeaseSweepTools) {}

  /**
   * One sweep.
   * @param sinceLastMs how long ago the last one was
   * @param progress is called whenever some leases have been ended
   * @returns whether there may be more to end at once
   * @throws StoreUnavailableError, QueueFullError: what was not ended is ended later; UnendedLeasesError: all others were
   */
  async run(term: RoleTerm, sinceLastMs: number, progress: () => void = () => undefined): Promise<boolean> {
    const { databases, roles, keeper, redating } = this.tools;
    let findings = await this.look(term, sinceLastMs);
    if (findings?.hasAhead) {
      // Nothing is decided on times of a clock that was set back.
      await redating.run();
      findings = await this.look(term, sinceLastMs);
    }
    if (!findings) return false;
    await keeper.keep(findings, term);
    progress();
    const refused: RefusedLease[] = [];
    const isWhole = await this.end(findings, term, { refused, progress });
    await roles.noteWork(databases.em('liveness'), term);
    const [first] = refused;
    if (first) throw new UnendedLeasesError(refused.length, findings.due.length, first);
    return isWhole && findings.due.length >= MAX_AT_ONCE;
  }

  private async look(term: RoleTerm, sinceLastMs: number): Promise<Findings | undefined> {
    return await readSnapshot(this.tools.databases, em => this.find(em, term, sinceLastMs), {
      purpose: 'liveness',
      timeoutMs: SWEEP_TIMEOUT_MS,
    });
  }

  private async find(em: EntityManager, term: RoleTerm, sinceLastMs: number): Promise<Findings | undefined> {
    const { roles, guards, leases, rules, flushBoundMs } = this.tools;
    const role = await roles.find(em, term.role);
    if (role?.holder !== term.holder || role.term !== term.term) return undefined;
    const before = await guards.findStates(em);
    const orders = await guards.findOrders(em);
    const backSince = backSinceBy(role.backSince, orders);
    const allowance: LeaseAllowance = { flushBoundMs, backSince, maxGraceMs: rules.maxMs };
    const moment = { now: role.now, allowance };
    const windows = countWindows(role.now, before, rules);
    this.evictions.keepBetween(windows.earliest, role.now);
    const found = await leases.count(em, moment, windows);
    const counts = this.evictions.addTo(found, windows.by);
    const judgement = evaluateGuard({ now: role.now, rules, states: before, orders, counts, backSince });
    const released = Math.max(
      1,
      Math.floor((rules.releasePerSecond * Math.min(sinceLastMs, LONGEST_PAUSE_MS)) / 1_000),
    );
    const admission = admit(judgement, released);
    const hasAny = found.total.pending > 0 || found.lapsed > 0;
    const due = hasAny ? await this.findDue(em, moment, admission) : [];
    const hasAhead = found.ahead > 0 || orders.some(({ orderedAt }) => isAhead(orderedAt, role.now));
    return { before, after: judgement.states, orders, moment, due, hasAhead };
  }

  private async findDue(em: EntityManager, moment: LeaseMoment, admission: Admission): Promise<EndedLease[]> {
    return admitted(await this.tools.leases.find(em, moment, admission, MAX_AT_ONCE), admission);
  }

  /**
   * Ends what is due, chunk by chunk. Of a chunk that is refused each half is tried by itself, down to the leases that are
   * refused: one that cannot be ended must not keep all others from ending.
   * @returns false when this node no longer has the role
   */
  private async end({ due, moment }: Findings, term: RoleTerm, { refused, progress }: SweepCourse): Promise<boolean> {
    const { allowance } = moment;
    const chunks: (readonly EndedLease[])[] = [];
    for (let from = 0; from < due.length; from += CHUNK) chunks.push(due.slice(from, from + CHUNK));
    for (let chunk = chunks.shift(); chunk; chunk = chunks.shift()) {
      try {
        await this.expire(chunk, allowance, term);
      } catch (error) {
        if (error instanceof TermEndedError) return false;
        if (!isAboutLeases(error)) throw error;
        const middle = Math.ceil(chunk.length / 2);
        if (chunk.length > 1) chunks.unshift(chunk.slice(0, middle), chunk.slice(middle));
        else refused.push({ id: chunk[0]!.id, error });
      }
      progress();
    }
    return true;
  }

  private async expire(leases: readonly EndedLease[], allowance: LeaseAllowance, term: RoleTerm): Promise<void> {
    const { writer, metrics } = this.tools;
    const commands = leases.map(({ id }) => {
      return { kind: 'expire', target: { id }, whenAbsent: 'ignore', allowance } as const;
    });
    const { results } = await writer.submit({ commands, origin: LIVENESS, term });
    const gone = leases.filter((_, n) => results[n]?.outcome === 'deregistered');
    metrics.expired('deregistered', gone.length);
    // What had lapsed before, and is not gone, was only dated again.
    const lapsed = leases.filter((lease, n) => !lease.lapsed && results[n]?.outcome === 'updated');
    metrics.expired('lapsed', lapsed.length);
    this.evictions.note(gone);
  }
}
