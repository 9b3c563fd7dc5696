import { clientOf, type NextBatch, type PendingWrite, weightOf } from './pending-write.js';

/** How many commands of a client a turn takes. A request with more is taken whole; its client then passes its next turns. */
export const QUANTUM = 64;

/** The requests of one client that wait. */
class Line {
  readonly writes: PendingWrite[] = [];
  /** Commands that wait. */
  weight = 0;
  /** Commands that it may still send in its turn; negative: how many it has sent too many. */
  credit = 0;
  isInTurn = false;

  constructor(readonly client: string) {}

  get isEmpty(): boolean {
    return this.writes.length === 0;
  }

  append(write: PendingWrite): void {
    this.writes.push(write);
    this.weight += weightOf(write);
  }

  /** Puts back what was taken from it. */
  prepend(write: PendingWrite): void {
    const weight = weightOf(write);
    this.writes.unshift(write);
    this.weight += weight;
    this.credit += weight;
  }

  /**
   * Moves requests to a batch as long as there is credit.
   * @param mayOverdraw whether the last one may have more commands than there is credit for
   * @returns false: the batch has no room for the next one
   */
  moveTo(batch: NextBatch, mayOverdraw: boolean): boolean {
    for (let first = this.writes[0]; first; first = this.writes[0]) {
      const weight = weightOf(first);
      if (this.credit < (mayOverdraw ? 1 : weight)) break;
      if (!batch.add(first)) return false;
      this.writes.shift();
      this.weight -= weight;
      this.credit -= weight;
    }
    return true;
  }

  /** The newest requests that free so many commands, if at least so many others remain; else none. */
  newest(commands: number, remaining: number): readonly PendingWrite[] {
    let count = 0;
    let freed = 0;
    while (freed < commands) {
      const next = this.writes.at(-1 - count);
      if (!next || this.weight - freed - weightOf(next) < remaining) return [];
      freed += weightOf(next);
      count += 1;
    }
    return this.writes.slice(-count);
  }

  /** Takes out the newest requests. */
  drop(count: number): void {
    for (const write of this.writes.splice(-count)) this.weight -= weightOf(write);
  }
}

/**
 * The requests of callers that wait, each in the line of its client; the order in a line is kept. Clients take turns by the
 * number of their commands (deficit round robin). A client with a small request that had none waiting is *new*: it comes
 * before the turns, once, so that it waits for none of the large requests of others.
 */
export class CallerLines {
  private readonly lines = new Map<string, Line>();
  /** Lines of new clients, in the order of their arrival. */
  private readonly fresh: Line[] = [];
  /** All other lines; the first has its turn. */
  private readonly turns: Line[] = [];
  private total = 0;

  /** Commands that wait. */
  get weight(): number {
    return this.total;
  }

  get isEmpty(): boolean {
    return this.lines.size === 0;
  }

  /** Whether clients wait for their turn. */
  get hasTurns(): boolean {
    return this.turns.length > 0;
  }

  /** Adds a request at the end of the line of its client. */
  add(write: PendingWrite): void {
    const weight = weightOf(write);
    const client = clientOf(write);
    let line = this.lines.get(client);
    if (!line) {
      line = new Line(client);
      this.lines.set(client, line);
      (weight <= QUANTUM ? this.fresh : this.turns).push(line);
    }
    line.append(write);
    this.total += weight;
  }

  /**
   * Makes room for a request: takes out the newest requests of the client that has most. That client keeps at least as many
   * commands as the client of the request then has.
   * @param commands how many must be taken out
   * @returns what was taken out; nothing when there is no such client
   */
  makeRoomFor(write: PendingWrite, commands: number): readonly PendingWrite[] {
    const own = this.lines.get(clientOf(write));
    let largest: Line | undefined;
    for (const line of this.lines.values()) if (line !== own && line.weight > (largest?.weight ?? 0)) largest = line;
    const out = largest?.newest(commands, (own?.weight ?? 0) + weightOf(write)) ?? [];
    if (largest && out.length > 0) {
      largest.drop(out.length);
      for (const each of out) this.total -= weightOf(each);
    }
    return out;
  }

  /** Puts back requests that a batch has not carried, in their order. Their clients are the next to have turns. */
  putBack(writes: readonly PendingWrite[]): void {
    for (const write of writes.toReversed()) {
      const line = this.toFront(clientOf(write));
      line.prepend(write);
      this.total += weightOf(write);
    }
  }

  /** Moves requests of new clients to a batch, as far as there is room. */
  takeFresh(batch: NextBatch): void {
    for (let line = this.fresh[0]; line; line = this.fresh[0]) {
      this.beginTurn(line);
      if (!this.move(line, batch, false)) return;
      this.fresh.shift();
      this.endTurn(line);
    }
  }

  /**
   * Moves requests of the clients whose turn it is to a batch, until there is no room for the next one.
   * @returns whether there was room for any
   */
  takeTurns(batch: NextBatch): boolean {
    const before = batch.writes.length;
    for (let line = this.turns[0]; line; line = this.turns[0]) {
      this.beginTurn(line);
      if (!this.move(line, batch, true)) break;
      this.turns.shift();
      this.endTurn(line);
    }
    return batch.writes.length > before;
  }

  private move(line: Line, batch: NextBatch, mayOverdraw: boolean): boolean {
    const before = line.weight;
    const isDone = line.moveTo(batch, mayOverdraw);
    this.total -= before - line.weight;
    return isDone;
  }

  /** A turn goes on in the next batch if this one has no room for the rest of it. */
  private beginTurn(line: Line): void {
    if (line.isInTurn) return;
    line.isInTurn = true;
    // Nobody else has waited for what a client sent too much.
    line.credit = this.lines.size === 1 ? QUANTUM : Math.min(QUANTUM, line.credit + QUANTUM);
  }

  private endTurn(line: Line): void {
    line.isInTurn = false;
    if (line.isEmpty) this.lines.delete(line.client);
    else this.turns.push(line);
  }

  /** Makes a client the next one to have its turn. */
  private toFront(client: string): Line {
    const line = this.lines.get(client) ?? new Line(client);
    this.lines.set(client, line);
    for (const among of [this.fresh, this.turns]) {
      const at = among.indexOf(line);
      if (at >= 0) among.splice(at, 1);
    }
    this.turns.unshift(line);
    return line;
  }
}
