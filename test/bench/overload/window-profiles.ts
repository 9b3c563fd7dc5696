import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type BenchNode } from '../harness/bench-node.js';

/** What a window is called. */
interface Named {
  readonly name: string;
  readonly callers: number;
}

/** CPU profiles of the service, one for each window of a run; none without a directory. */
export class WindowProfiles {
  private count = 0;

  /** @param directory relative to the working directory; it is made if it does not exist */
  constructor(private readonly directory: string | undefined) {
    if (directory !== undefined) mkdirSync(directory, { recursive: true });
  }

  /** Whether profiles are taken. */
  get isOn(): boolean {
    return this.directory !== undefined;
  }

  /** Does work while the node is profiled. */
  async around<Result>(
    node: Pick<BenchNode, 'startProfile' | 'endProfile'>,
    named: Named,
    work: () => Promise<Result>,
  ): Promise<Result> {
    const file = this.nextFile(named);
    if (file === undefined) return await work();
    await node.startProfile();
    const result = await work();
    await node.endProfile(file);
    return result;
  }

  /** Numbered in the order of the run, since windows of one kind may repeat. */
  private nextFile({ name, callers }: Named): string | undefined {
    if (this.directory === undefined) return undefined;
    const number = String(this.count++).padStart(2, '0');
    return resolve(join(this.directory, `${number}-${name}${callers > 0 ? `-${callers}` : ''}.cpuprofile`));
  }
}
