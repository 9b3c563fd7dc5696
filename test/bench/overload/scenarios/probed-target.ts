import { httpTarget, type Target } from '../../../support/http/targets.js';
import { latenessOf } from './lateness.js';

/** How often (s) the node probes each instance of the scenario. */
export const PROBE_INTERVAL_SECONDS = 1;

/** An HTTP server that notes when which path was asked for, the first part of which names a kind of instances. */
export class ProbedTarget {
  private readonly asked = new Map<string, number[]>();
  private target: Target | undefined;
  private begunAt = 0;

  static async start(): Promise<ProbedTarget> {
    const probed = new ProbedTarget();
    probed.target = await httpTarget((request, response) => {
      probed.note(request.url ?? '/');
      response.end('ok');
    });
    return probed;
  }

  get port(): number {
    return this.target?.port ?? 0;
  }

  /** From now on lateness counts, of all paths that were asked for up to now. */
  begin(): void {
    this.begunAt = performance.now();
    for (const [path, times] of this.asked) this.asked.set(path, times.slice(-1));
  }

  /** @returns how late (ms) the probes of each kind were since the beginning, those that are due now included */
  end(): Map<string, readonly number[]> {
    const now = performance.now();
    const late = new Map<string, number[]>();
    for (const [path, times] of this.asked) {
      const kind = path.split('/')[1] ?? '';
      const own = latenessOf(times, { from: this.begunAt, to: now, intervalMs: PROBE_INTERVAL_SECONDS * 1_000 });
      late.set(kind, [...(late.get(kind) ?? []), ...own]);
    }
    return late;
  }

  async close(): Promise<void> {
    await this.target?.close();
  }

  private note(path: string): void {
    const times = this.asked.get(path);
    if (times) times.push(performance.now());
    else this.asked.set(path, [performance.now()]);
  }
}
