import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { CatalogView } from '@coordination/catalog';
import { Clock } from '@coordination/kernel';
import { GuardStates } from '../../guard/guard-states.js';
import { liveNodes } from '../../nodes/live-nodes.js';
import { NodeRegistration } from '../../nodes/node-registration.job.js';
import { isProbedRecord } from '../probed-record.js';
import { Prober } from '../run/prober.js';
import { type HashNode, ownerOf, placeOf } from '../share/rendezvous.js';
import { type SecondLookQuestion, SecondLookStore } from './second-look-store.js';

/** How long (ms) after a look the next one follows. */
const EVERY_MS = 2_000;

/** The most looks at once, besides the probes of this node. */
const MAX_AT_ONCE = 50;

interface Looking extends SecondLookQuestion {
  readonly calledOff: AbortController;
  dueMs: number;
  isRunning: boolean;
  failures: number;
  /** Whether the last look has not been stored. */
  isNew: boolean;
}

/**
 * Looks at instances whose failures another node holds. Of several other nodes, the one that would probe an instance if that
 * node were gone looks at it.
 */
@Injectable()
export class SecondLooker implements OnModuleDestroy {
  private readonly looking = new Map<string, Looking>();
  private running = 0;

  constructor(
    private readonly store: SecondLookStore,
    @Inject(CatalogView) private readonly view: Pick<CatalogView, 'find' | 'instancesOf'>,
    @Inject(Prober) private readonly prober: Pick<Prober, 'probe'>,
    @Inject(NodeRegistration) private readonly node: Pick<NodeRegistration, 'nodeId'>,
    @Inject(GuardStates) private readonly guards: Pick<GuardStates, 'current'>,
    private readonly clock: Clock,
  ) {}

  /** Instances that this node looks at for others. */
  get size(): number {
    return this.looking.size;
  }

  onModuleDestroy(): void {
    this.keepOnly(new Map());
  }

  /** @throws StoreUnavailableError */
  async turn(): Promise<void> {
    const own = this.node.nodeId;
    const isAsked = this.guards.current().some(({ reason, node }) => reason === 'probe-failures' && node !== own);
    if (own === undefined || !isAsked) return this.keepOnly(new Map());
    const questions = await this.store.questionsOfOthers(own);
    this.keepOnly(this.ownQuestions(questions, own));
    this.startDue();
    const found = [...this.looking.values()].filter(({ isNew }) => isNew);
    await this.store.answer(
      own,
      found.map(({ id, node, failures }) => ({ id, node, failures })),
    );
    for (const each of found) each.isNew = false;
  }

  private ownQuestions(questions: readonly SecondLookQuestion[], own: string): Map<string, SecondLookQuestion> {
    const nodes: HashNode[] = liveNodes(this.view).map(({ instanceId }) => ({
      nodeId: instanceId,
      place: placeOf(instanceId),
    }));
    const others = new Map<string, HashNode[]>();
    const mine = questions.filter(({ id, node }) => {
      const without = others.get(node) ?? nodes.filter(({ nodeId }) => nodeId !== node);
      others.set(node, without);
      return ownerOf(placeOf(id), without) === own;
    });
    return new Map(mine.map(question => [question.id, question]));
  }

  private keepOnly(questions: ReadonlyMap<string, SecondLookQuestion>): void {
    for (const [id, { node, calledOff }] of this.looking) {
      if (questions.get(id)?.node === node) continue;
      calledOff.abort();
      this.looking.delete(id);
    }
    for (const [id, question] of questions) {
      if (this.looking.has(id)) continue;
      const calledOff = new AbortController();
      this.looking.set(id, { ...question, calledOff, dueMs: 0, isRunning: false, failures: 0, isNew: false });
    }
  }

  private startDue(): void {
    const nowMs = this.clock.monotonicMs();
    const due = [...this.looking.values()].filter(({ isRunning, dueMs }) => !isRunning && dueMs <= nowMs);
    for (const each of due.toSorted((a, b) => a.dueMs - b.dueMs)) {
      if (this.running >= MAX_AT_ONCE) return;
      void this.look(each);
    }
  }

  private async look(one: Looking): Promise<void> {
    const record = this.view.find(one.id);
    if (!record || !isProbedRecord(record)) return;
    one.isRunning = true;
    this.running += 1;
    const outcome = await this.prober.probe(record, one.calledOff.signal);
    this.running -= 1;
    one.isRunning = false;
    one.dueMs = this.clock.monotonicMs() + EVERY_MS;
    // What this node lacked says nothing about the instance either.
    if (!outcome || outcome.result === 'node') return;
    one.failures = outcome.result === 'success' ? 0 : one.failures + 1;
    one.isNew = true;
  }
}
