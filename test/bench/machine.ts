import { cpus, totalmem } from 'node:os';
import process from 'node:process';

/** The machine that figures are from. */
export const describeMachine = (): string =>
  `${cpus().length} × ${cpus()[0]?.model ?? 'unknown CPU'}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node.js ${process.versions.node}, ${process.platform}`;
