import { access, constants, stat } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { type CompactionOptions, compactLog } from '@coordination/log';
import { readSettings, type Settings } from '@coordination/config';
import { placeOf } from '@coordination/database';
import { serverTarget } from './command-target.js';

/** How long the compaction waits for transactions that are older than a cut. Those of the service take at most 10 s. */
const PATIENCE_MS = 600_000;

export const COMPACTION_USAGE = 'Usage: audit-compact --export-dir <folder> [--dry-run] [--partitions <maximum>]';

/**
 * Removes events older than the retention from the log. The environment names the database and the retention.
 * @param say prints the database, and then each step
 * @throws Error with one line for the user that names the obstacle
 */
export async function runCompaction(
  env: NodeJS.ProcessEnv,
  args: readonly string[],
  say: (line: string) => void,
): Promise<void> {
  const settings = readSettings(env);
  const options = optionsOf(settings, args);
  const url = maintenanceUrl(settings);
  if (!options.isDryRun) await assertWritable(options.exportDir);
  for (const line of serverTarget(env, settings, url).lines) say(line);
  await compactLog({ url, ssl: settings.DATABASE_SSL }, options, say);
}

/** Checks arguments and settings without a database. @throws Error with one line for the user that names the obstacle */
export async function assertCompactable(env: NodeJS.ProcessEnv, args: readonly string[]): Promise<void> {
  const { isDryRun, exportDir } = optionsOf(readSettings(env), args);
  if (!isDryRun) await assertWritable(exportDir);
}

async function assertWritable(folder: string): Promise<void> {
  try {
    if (!(await stat(folder)).isDirectory()) throw new Error(`${folder} is not a directory.`);
    await access(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new Error(`The folder ${folder} cannot be written to: create it, or name another one. Nothing was removed.`, {
      cause: error,
    });
  }
}

function optionsOf({ PCS_AUDIT_RETENTION_DAYS: retentionDays }: Settings, args: readonly string[]): CompactionOptions {
  const { exportDir, isDryRun, mostPartitions } = readArgs(args);
  if (retentionDays === undefined) {
    throw new Error('PCS_AUDIT_RETENTION_DAYS is not set, so all events are kept. Nothing was removed.');
  }
  return { retentionDays, exportDir, mostPartitions, patienceMs: PATIENCE_MS, isDryRun };
}

function readArgs(args: readonly string[]) {
  const options = {
    'export-dir': { type: 'string' },
    'dry-run': { type: 'boolean' },
    partitions: { type: 'string' },
  } as const;
  try {
    const { values } = parseArgs({ args: [...args], options });
    const mostPartitions = values.partitions === undefined ? Infinity : Number(values.partitions);
    if (!(mostPartitions >= 1)) throw new Error('--partitions takes a number of at least 1.');
    const isDryRun = values['dry-run'] === true;
    const exportDir = values['export-dir'];
    if (!isDryRun && !exportDir)
      throw new Error('--export-dir is missing: events are exported before they are removed.');
    return { exportDir: exportDir ?? '', isDryRun, mostPartitions };
  } catch (error) {
    throw new Error(`${(error as Error).message} ${COMPACTION_USAGE}`, { cause: error });
  }
}

function maintenanceUrl({ DATABASE_MAINTENANCE_URL: url, DATABASE_URL: service }: Settings): string {
  if (url === undefined) {
    throw new Error(
      'Set DATABASE_MAINTENANCE_URL, with the maintenance role (migrations/roles.sql). ' +
        'For the embedded PostgreSQL use `npm run audit-compact -- --embedded`. Nothing was removed.',
    );
  }
  if (service !== undefined && placeOf(url).role === placeOf(service).role) {
    throw new Error(
      'DATABASE_MAINTENANCE_URL has the same role as DATABASE_URL. The service must not be able to remove anything from ' +
        'its log: use a separate role for it (migrations/roles.sql).',
    );
  }
  return url;
}
