import { Inject, Injectable } from '@nestjs/common';
import { Clock } from '@coordination/kernel';
import { type GuardState } from '../../guard/guard-state.js';
import { NodeRegistration } from '../../nodes/node-registration.job.js';
import { judgeFailures } from './judge-failures.js';
import { ProbeGuardRecorder } from './probe-guard-recorder.js';
import { ProbeGuardRules } from './probe-guard-rules.js';
import { ProbeVerdicts } from './probe-verdicts.js';
import { MAX_ASKED, SecondLookStore } from './second-look-store.js';

/** The longest pause (ms) that the bounded rate counts: what is late does not catch up. */
const LONGEST_PAUSE_MS = 2_000;

/** Failures that are reported at once. */
const MAX_REPORTED = 100;

/** Holds failures of the probes of this node that begin together, and releases those that count. */
@Injectable()
export class ProbeGuard {
  private states: readonly GuardState[] = [];
  private lastAtMs: number | undefined;
  private hasAsked = false;

  constructor(
    private readonly verdicts: ProbeVerdicts,
    private readonly recorder: ProbeGuardRecorder,
    private readonly store: SecondLookStore,
    @Inject(NodeRegistration) private readonly node: Pick<NodeRegistration, 'nodeId'>,
    private readonly rules: ProbeGuardRules,
    private readonly clock: Clock,
  ) {}

  /** The guards of this node. */
  current(): readonly GuardState[] {
    return this.states;
  }

  /** @throws StoreUnavailableError: then nothing counts, which could not be written either */
  async turn(): Promise<void> {
    const { verdicts, recorder, states } = this;
    const node = this.node.nodeId;
    const nowMs = this.clock.monotonicMs();
    const sinceLastMs = Math.min(LONGEST_PAUSE_MS, nowMs - (this.lastAtMs ?? nowMs));
    this.lastAtMs = nowMs;
    if (node === undefined || (verdicts.pendingCount === 0 && states.length === 0)) return;
    const { now, overrides, looks, stored } = await recorder.read(node);
    const rules = this.rules.current();
    const judgement = judgeFailures({
      now,
      rules,
      node,
      states,
      overrides,
      counts: since => verdicts.counts({ now, since }),
      pending: verdicts.pending(),
      looks,
      released: Math.max(1, Math.floor((rules.releasePerSecond * sinceLastMs) / 1_000)),
    });
    await recorder.record(node, stored, judgement.states, overrides);
    this.states = judgement.states;
    await this.ask(node, judgement.ask);
    for (const id of judgement.renew) verdicts.forget(id);
    for (let from = 0; from < judgement.due.length; from += MAX_REPORTED) {
      const some = judgement.due.slice(from, from + MAX_REPORTED);
      // They form a batch of the writer, which other requests of the API follow.
      await Promise.all(some.map(({ id, confirmedBy }) => verdicts.release(id, confirmedBy)));
    }
  }

  private async ask(node: string, ids: readonly string[]): Promise<void> {
    const asked = this.rules.hasOthers(node) ? ids.slice(0, MAX_ASKED) : [];
    if (asked.length === 0 && !this.hasAsked) return;
    await this.store.ask(node, asked);
    this.hasAsked = asked.length > 0;
  }
}
