import { type Measured } from '../bench-case.js';
import { cpuSeconds } from './cpu.js';

/** Processor time (s) that was used so far, and when that was; undefined where it is not known. */
interface Reading {
  readonly at: number;
  readonly service: number | undefined;
  readonly postgres: number | undefined;
}

/** How busy nodes and PostgreSQL are in the stretches of time between start and stop. */
export class CpuMeter {
  private begun: Reading | undefined;
  private readonly stretches: Reading[] = [];

  constructor(
    private readonly nodePids: readonly number[],
    private readonly postgresPid: number,
  ) {}

  async start(): Promise<void> {
    this.begun = await this.read();
  }

  /** Ends a stretch, if there is one. */
  async stop(): Promise<void> {
    if (!this.begun) return;
    const ended = await this.read();
    this.stretches.push({
      at: ended.at - this.begun.at,
      service: difference(ended.service, this.begun.service),
      postgres: difference(ended.postgres, this.begun.postgres),
    });
    this.begun = undefined;
  }

  /** Of all stretches together. */
  get use(): Pick<Measured, 'busySeconds' | 'serviceCores' | 'postgresCores'> {
    const total = (key: keyof Reading) => sum(this.stretches.map(stretch => stretch[key]));
    const busySeconds = total('at')! / 1_000;
    const cores = (seconds: number | undefined) => (seconds === undefined ? undefined : seconds / busySeconds);
    return { busySeconds, serviceCores: cores(total('service')), postgresCores: cores(total('postgres')) };
  }

  private async read(): Promise<Reading> {
    return {
      at: performance.now(),
      service: sum(await Promise.all(this.nodePids.map(cpuSeconds))),
      postgres: await cpuSeconds(this.postgresPid),
    };
  }
}

const difference = (ended: number | undefined, begun: number | undefined): number | undefined =>
  ended === undefined || begun === undefined ? undefined : ended - begun;

const sum = (values: readonly (number | undefined)[]): number | undefined =>
  values.includes(undefined) ? undefined : values.reduce<number>((total, value) => total + (value ?? 0), 0);
