import { setTimeout as delay } from 'node:timers/promises';
import { type Api, INSTANCES } from '../http/api.js';
import { unhurried } from '../time/slowness.js';

/** How long (ms) a client waits for an answer before it asks another node, on an idle machine. */
const ANSWERED_WITHIN_MS = 1_000;

interface Member {
  readonly id: string;
  alive: boolean;
  /** Monotonic time of the last heartbeat that was answered. */
  answeredAt: number;
  /** Monotonic time since which it has sent nothing; undefined: it is not alive, and has no need to send. */
  sentAt: number | undefined;
  /** Settled when it waits for no answer. */
  underWay: Promise<boolean>;
}

export interface FleetOptions {
  readonly services: readonly string[];
  readonly perService: number;
  readonly ttlSeconds: number;
}

/** Instances with a client each that sends heartbeats, three in a ttl, to whichever node answers. */
export class HeartbeatingFleet {
  private readonly ending = new AbortController();
  private running: Promise<unknown> = Promise.resolve();
  private readonly late = new Set<string>();
  private readonly answeredWithinMs = unhurried(ANSWERED_WITHIN_MS);
  private readonly everyMs: number;
  /** Two pauses of this length (ms) between heartbeats are a lease. */
  private readonly longestPauseMs: number;

  private constructor(
    private readonly apis: readonly Api[],
    private readonly members: readonly Member[],
    ttlSeconds: number,
  ) {
    this.everyMs = (ttlSeconds * 1_000) / 3;
    this.longestPauseMs = (ttlSeconds * 1_000) / 2;
  }

  /** Registers them, and lets them live. */
  static async start(apis: readonly Api[], options: FleetOptions): Promise<HeartbeatingFleet> {
    const { services, perService, ttlSeconds } = options;
    const instances = services.flatMap(service =>
      Array.from({ length: perService }, (_, n) => ({
        service,
        host: '10.0.0.1',
        port: 1_000 + n,
        check: { kind: 'heartbeat', ttlSeconds },
      })),
    );
    const registered = await apis[0]!.ok<{ results: { instance: { id: string } }[] }>('POST', `${INSTANCES}/batch`, {
      instances,
    });
    const members = registered.results.map(({ instance: { id } }) => ({
      id,
      alive: true,
      answeredAt: performance.now(),
      sentAt: performance.now(),
      underWay: Promise.resolve(true),
    }));
    const fleet = new HeartbeatingFleet(apis, members, ttlSeconds);
    fleet.running = Promise.all(members.map((member, n) => fleet.live(member, n)));
    return fleet;
  }

  get ids(): string[] {
    return this.members.map(({ id }) => id);
  }

  /**
   * Those that did not send in time although they are alive, because this process was stopped or had no processor time: a lease
   * of theirs may have ended rightly.
   */
  get lateIds(): ReadonlySet<string> {
    for (const member of this.members) this.noteWhetherLate(member);
    return this.late;
  }

  /** The next so many that are alive send no more. @returns their ids */
  silence(count: number): string[] {
    const chosen = this.members.filter(({ alive }) => alive).slice(0, count);
    for (const member of chosen) {
      member.alive = false;
      member.sentAt = undefined;
    }
    return chosen.map(({ id }) => id);
  }

  /** Waits until what these have sent is answered or given up: a node that is stopped then reads nothing of theirs later. */
  async areAtRest(ids: readonly string[]): Promise<void> {
    await Promise.all(this.members.filter(({ id }) => ids.includes(id)).map(({ underWay }) => underWay));
  }

  /** Those of these ids that were silent send again. */
  revive(ids: readonly string[] = this.ids): void {
    for (const member of this.members) if (ids.includes(member.id)) member.alive = true;
  }

  /** Whether every one that is alive has had an answer since a monotonic time. */
  areAnsweredSince(time: number): boolean {
    return this.members.every(({ alive, answeredAt }) => !alive || answeredAt > time);
  }

  async stop(): Promise<void> {
    this.ending.abort();
    await this.running;
  }

  private async live(member: Member, n: number): Promise<void> {
    const { signal } = this.ending;
    const pause = (ms: number) => delay(ms, undefined, { signal }).catch(() => undefined);
    await pause((this.everyMs * n) / this.members.length);
    for (let node = n; !signal.aborted;) {
      if (member.alive) member.underWay = this.beat(member, this.apis[node % this.apis.length]!);
      const isAnswered = !member.alive || (await member.underWay);
      if (!isAnswered) node++;
      await pause(isAnswered ? this.everyMs : this.everyMs / 5);
    }
  }

  private noteWhetherLate({ id, sentAt }: Member): void {
    if (sentAt !== undefined && performance.now() - sentAt > this.longestPauseMs) this.late.add(id);
  }

  private async beat(member: Member, api: Api): Promise<boolean> {
    this.noteWhetherLate(member);
    member.sentAt = performance.now();
    const signal = AbortSignal.any([this.ending.signal, AbortSignal.timeout(this.answeredWithinMs)]);
    try {
      const { status } = await api.send('PUT', `${INSTANCES}/${member.id}/heartbeat`, undefined, {}, signal);
      if (status !== 204) return false;
      member.answeredAt = performance.now();
      return true;
    } catch {
      return false;
    }
  }
}
