import { LogCompaction } from '@coordination/log/testing';
import { type Databases } from '@coordination/database';
import { type Client } from 'pg';

export interface SomeCompaction {
  readonly databases: Databases;
  readonly client: Client;
  readonly exportDir: string;
  /** How many partitions go, whatever their age. */
  readonly partitions: number;
  readonly onStep?: ((line: string) => void) | undefined;
}

/** Removes the oldest partitions of the log, as the command does when they are old. */
export async function compactSome({ databases, client, exportDir, partitions, onStep }: SomeCompaction): Promise<void> {
  const say = onStep ?? (() => undefined);
  await new LogCompaction(databases, client, say).run({
    retentionDays: 0,
    exportDir,
    mostPartitions: partitions,
    patienceMs: 60_000,
    isDryRun: false,
  });
}
