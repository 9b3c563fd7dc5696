import { setImmediate as nextTurnOfLoop } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type Clock } from '@coordination/kernel';
import { Metrics } from '@coordination/observability';
import { LoopDelay } from './loop-delay.js';
import { Scheduler } from './scheduler.js';
import { SchedulingMetrics } from './scheduling-metrics.js';

describe('the metrics of scheduling', () => {
  it('say by class what ran and what waits, and how late the loop was', async () => {
    const clock: Clock & { ms: number } = { ms: 0, now: () => new Date(0), monotonicMs: () => clock.ms };
    const [metrics, scheduler, loopDelay] = [new Metrics(), new Scheduler(clock), new LoopDelay(clock)];
    void new SchedulingMetrics(metrics, scheduler, loopDelay);
    const turn = scheduler.begin({ workClass: 'heavy' });
    await turn.next();
    clock.ms += 1_500;
    const again = turn.next();
    const text = await metrics.text();
    expect(text).toContain('pcs_work_slices_total{class="heavy"} 1\n');
    expect(text).toContain('pcs_work_seconds_total{class="heavy"} 1.5\n');
    expect(text).toContain('pcs_work_overlong_slices_total{class="heavy"} 1\n');
    expect(text).toContain('pcs_work_slices_waiting{class="heavy"} 1\n');
    expect(text).toContain('pcs_work_slices_waiting{class="liveness"} 0\n');
    expect(text).toContain('pcs_event_loop_delay_seconds{quantile="1"} 0\n');
    expect(text).toContain('pcs_event_loop_stalls_total 0\n');
    await again;
    await nextTurnOfLoop();
  });
});
