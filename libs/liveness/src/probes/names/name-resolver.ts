import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable, Optional } from '@nestjs/common';
import { Clock } from '@coordination/kernel';
import { LRUCache } from 'lru-cache';
import { type ResolvedAddress, toResolved } from './hosts-file.js';
import { SilentNameServerError, UnknownNameError } from './name-errors.js';
import { NameSource } from './system-names.js';

/** How long (ms) answers are used, how many names are kept, and how long the last addresses serve while no server answers. */
export interface NameTimes {
  /** Long enough to limit the look-ups when many instances of one name are probed. */
  readonly freshMs: number;
  /** The longest that a look-up delays a probe that has other addresses. */
  readonly patienceMs: number;
  /** After a look-up without an answer, the next one begins so much later. */
  readonly restMs: number;
  /** Addresses may belong to another machine later, so they do not serve for ever. */
  readonly keptMs: number;
  readonly maxNames: number;
}

export const NAME_TIMES: NameTimes = {
  freshMs: 5_000,
  patienceMs: 500,
  restMs: 5_000,
  keptMs: 3_600_000,
  maxNames: 10_000,
};

/** What is known of a name. */
interface Known {
  /** The last answer; empty addresses: there are none. */
  answer: { readonly addresses: readonly ResolvedAddress[]; readonly atMs: number } | undefined;
  /** When the last look-up ended without an answer; undefined: it was answered, or there was none. */
  silence: { readonly error: SilentNameServerError; readonly atMs: number } | undefined;
  asking: Promise<void> | undefined;
}

/**
 * The addresses of hosts, with one look-up of the same name at a time. While no name server answers, the last good addresses
 * serve; a name without any is refused at once, and looked up again meanwhile. The caller checks the addresses each time.
 */
@Injectable()
export class NameResolver {
  private readonly names: LRUCache<string, Known>;

  constructor(
    @Inject(NameSource) private readonly source: NameSource,
    @Inject(Clock) private readonly clock: Pick<Clock, 'monotonicMs'>,
    @Optional() private readonly times: NameTimes = NAME_TIMES,
  ) {
    this.names = new LRUCache({ max: times.maxNames });
  }

  /** Names that are kept. */
  get size(): number {
    return this.names.size;
  }

  /**
   * All addresses of a host, which is a name or an address; at least one.
   * @param withinMs how long the caller waits for a first look-up
   * @throws UnknownNameError when a name server answered that it has none
   * @throws SilentNameServerError when no name server answered, and no earlier addresses are known
   */
  async resolve(host: string, withinMs: number): Promise<readonly ResolvedAddress[]> {
    const literal = toResolved(host);
    if (literal) return [literal];
    const known = this.knownOf(host);
    const { freshMs, restMs, patienceMs } = this.times;
    if (known.answer && this.age(known.answer) < freshMs && !known.silence) return answered(host, known.answer);
    const { answer: before } = known;
    if (!known.silence || this.age(known.silence) >= restMs) {
      known.asking ??= this.begin(host, known);
    }
    // A name that was not answered last time delays nobody: its next look-up goes on beside.
    if (known.asking && !known.silence) {
      const patience = this.lastGood(known) ? Math.min(patienceMs, withinMs) : withinMs;
      await orAfter(known.asking, patience);
    }
    // An answer that came in this time counts, also if it has become old by now, because this process was slow.
    const isNew = known.answer !== before;
    if (known.answer && (isNew || this.age(known.answer) < freshMs)) return answered(host, known.answer);
    const kept = this.lastGood(known);
    if (kept) return kept;
    throw known.silence?.error ?? new SilentNameServerError(host, `it took longer than ${withinMs} ms`);
  }

  private knownOf(host: string): Known {
    const known = this.names.get(host) ?? { answer: undefined, silence: undefined, asking: undefined };
    this.names.set(host, known);
    return known;
  }

  private begin(host: string, known: Known): Promise<void> {
    const asking = this.ask(host, known).finally(() => (known.asking = undefined));
    // The caller may not wait for it.
    asking.catch(() => undefined);
    return asking;
  }

  /** @throws Error that no name server caused: a file that cannot be read */
  private async ask(host: string, known: Known): Promise<void> {
    const { source, clock } = this;
    try {
      const addresses = await source.find(host, known.answer !== undefined && !known.silence);
      known.answer = { addresses, atMs: clock.monotonicMs() };
      known.silence = undefined;
    } catch (error) {
      const atMs = clock.monotonicMs();
      if (error instanceof UnknownNameError) {
        known.answer = { addresses: [], atMs };
        known.silence = undefined;
      } else if (error instanceof SilentNameServerError) known.silence = { error, atMs };
      else throw error;
    }
  }

  /** The last addresses, unless they are too old, or the last answer was that there are none. */
  private lastGood({ answer }: Known): readonly ResolvedAddress[] | undefined {
    return answer && answer.addresses.length > 0 && this.age(answer) < this.times.keptMs ? answer.addresses : undefined;
  }

  private age({ atMs }: { readonly atMs: number }): number {
    return this.clock.monotonicMs() - atMs;
  }
}

function answered(host: string, { addresses }: NonNullable<Known['answer']>): readonly ResolvedAddress[] {
  if (addresses.length === 0) throw new UnknownNameError(host);
  return addresses;
}

/** Waits for work, but not longer than so many ms; the work goes on. @throws what the work throws in that time */
async function orAfter(work: Promise<void>, ms: number): Promise<void> {
  const over = new AbortController();
  const limit = delay(ms, undefined, { ref: false, signal: over.signal }).catch(() => undefined);
  try {
    await Promise.race([work, limit]);
  } finally {
    over.abort();
  }
}
