import { Fifo, type QueueEntry } from './fifo.js';
import { WORK_CLASSES, type WorkClass } from './work-class.js';

/** Whose work it is: the scheduler takes turns among classes, and in a class among clients. */
export interface WorkOwner {
  readonly workClass: WorkClass;
  /** The address of the caller; absent: work of the node itself. */
  readonly client?: string | null | undefined;
}

/**
 * How the classes share the processor time of the scheduler while work of all of them waits. So the most urgent class has almost
 * half of it, and long work goes on, with a thirty-fifth.
 */
const SHARES: Readonly<Record<WorkClass, number>> = { liveness: 16, write: 8, hot: 4, send: 4, heavy: 2, long: 1 };

/** The least time (ms) that a piece of work counts as, so that pieces too short to be measured take turns too. */
const LEAST_MS = 0.01;

/** So many clients of a class are remembered without work that waits: most of them soon have work again. */
const MOST_IDLE_CLIENTS = 64;

/** The work of one client that waits. */
interface ClientQueue<Work> {
  readonly client: string;
  readonly works: Fifo<Work>;
  /** Where it waits for its turn; undefined while it has no work. */
  turn: QueueEntry<ClientQueue<Work>> | undefined;
}

/** The work of one class that waits. */
interface ClassQueue<Work> {
  readonly workClass: WorkClass;
  readonly clients: Map<string, ClientQueue<Work>>;
  /** The clients that have work, in the order of their turns. */
  readonly order: Fifo<ClientQueue<Work>>;
  /** The processor time (ms) that the class had, divided by its share. */
  served: number;
}

/** Work that waits. */
export interface WaitingWork<Work> {
  readonly workClass: WorkClass;
  readonly client: ClientQueue<Work>;
  readonly entry: QueueEntry<Work>;
}

/** The name of the node itself among the clients. */
const OWN = '';

/**
 * Work that waits for processor time, and whose turn it is. Among classes it is weighted fair queueing: the class that had the
 * least time by its share is next, and of several the most urgent. A class that had nothing to do gets nothing for that time
 * later. In a class the clients take turns, and the work of a client is done in its order.
 */
export class WorkQueue<Work> {
  private readonly queues: readonly ClassQueue<Work>[] = WORK_CLASSES.map(workClass => ({
    workClass,
    clients: new Map(),
    order: new Fifo(),
    served: 0,
  }));
  private readonly queueOf = new Map(this.queues.map(queue => [queue.workClass, queue]));
  /** What the class that was last chosen had been served by then. */
  private virtualTime = 0;
  private count = 0;

  get size(): number {
    return this.count;
  }

  /** How many pieces of work of a class wait. */
  waiting(workClass: WorkClass): number {
    let count = 0;
    for (const { works } of this.queueOf.get(workClass)!.order) count += works.size;
    return count;
  }

  /** Adds work. @returns by what it can be removed */
  add(work: Work, { workClass, client }: WorkOwner): WaitingWork<Work> {
    const queue = this.queueOf.get(workClass)!;
    if (queue.order.size === 0) queue.served = Math.max(queue.served, this.virtualTime);
    const own = clientOf(queue, client ?? OWN);
    own.turn ??= queue.order.add(own);
    this.count += 1;
    return { workClass, client: own, entry: own.works.add(work) };
  }

  /** Removes work that waits. No effect if it waits no longer. */
  remove({ workClass, client, entry }: WaitingWork<Work>): void {
    if (!client.works.delete(entry)) return;
    this.count -= 1;
    if (client.works.size > 0) return;
    const queue = this.queueOf.get(workClass)!;
    queue.order.delete(client.turn!);
    leave(queue, client);
  }

  /** Takes out the work whose turn it is. */
  next(): Work | undefined {
    let chosen: ClassQueue<Work> | undefined;
    for (const queue of this.queues) {
      if (queue.order.size > 0 && (!chosen || queue.served < chosen.served)) chosen = queue;
    }
    if (!chosen) return undefined;
    this.virtualTime = chosen.served;
    const own = chosen.order.shift()!;
    const work = own.works.shift();
    this.count -= 1;
    // The client goes to the end.
    if (own.works.size > 0) own.turn = chosen.order.add(own);
    else leave(chosen, own);
    return work;
  }

  /** Charges a class for the time (ms) that a piece of its work took. */
  charge(workClass: WorkClass, ms: number): void {
    this.queueOf.get(workClass)!.served += Math.max(ms, LEAST_MS) / SHARES[workClass];
  }
}

/** The work of a client, which may have none yet. */
function clientOf<Work>({ clients }: ClassQueue<Work>, client: string): ClientQueue<Work> {
  let own = clients.get(client);
  if (!own) {
    own = { client, works: new Fifo(), turn: undefined };
    clients.set(client, own);
  }
  return own;
}

/** A client has no work any more. */
function leave<Work>({ clients, order }: ClassQueue<Work>, own: ClientQueue<Work>): void {
  own.turn = undefined;
  if (clients.size - order.size > MOST_IDLE_CLIENTS) clients.delete(own.client);
}
