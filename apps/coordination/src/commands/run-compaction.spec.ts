import { describe, expect, it } from 'vitest';
import { COMPACTION_USAGE, runCompaction } from './run-compaction.js';

const SERVICE = 'postgres://coordination_app:a@127.0.0.1:1/none';
const MAINTENANCE = 'postgres://coordination_maintenance:b@127.0.0.1:1/none';
const ENV = { DATABASE_URL: SERVICE, DATABASE_MAINTENANCE_URL: MAINTENANCE, PCS_AUDIT_RETENTION_DAYS: '30' };

/** The error of a compaction that fails before it connects to a database; it must print nothing else. */
const refusal = (env: NodeJS.ProcessEnv, ...args: string[]) =>
  runCompaction(env, args, line => expect.unreachable(`it printed: ${line}`)).then(
    () => expect.unreachable('it succeeded'),
    (error: unknown) => (error as Error).message,
  );

describe('The compaction of the log', () => {
  it('requires a retention period', async () => {
    expect(await refusal({ ...ENV, PCS_AUDIT_RETENTION_DAYS: '' }, '--dry-run')).toContain('all events are kept');
    expect(await refusal({ ...ENV, PCS_AUDIT_RETENTION_DAYS: '1' }, '--dry-run')).toContain('from 2 to 36500');
  });

  it('keeps events for longer than the stored responses that are rebuilt from them', async () => {
    const hours = { PCS_IDEMPOTENCY_KEEP_HOURS: '720' };
    expect(await refusal({ ...ENV, ...hours }, '--dry-run')).toContain('longer than the 720 hours');
    expect(await refusal({ ...ENV, ...hours, PCS_AUDIT_RETENTION_DAYS: '31' }, '--bogus')).toContain(COMPACTION_USAGE);
  });

  it('refuses to run with the role of the service', async () => {
    expect(await refusal({ ...ENV, DATABASE_MAINTENANCE_URL: '' }, '--dry-run')).toContain('DATABASE_MAINTENANCE_URL');
    const other = SERVICE.replace('/none', '/other');
    expect(await refusal({ ...ENV, DATABASE_MAINTENANCE_URL: other }, '--dry-run')).toContain('the same role');
  });

  it.each([
    [[]],
    [['--export-dir']],
    [['--export-dir', '']],
    [['somewhere']],
    [['--dry-run', '--partitions', '0']],
    [['--dry-run', '--partitions', 'all']],
  ])('prints its usage when it is called with %j', async args => {
    expect(await refusal(ENV, ...args)).toContain(COMPACTION_USAGE);
  });

  it('checks that the folder is writable before it begins', async () => {
    expect(await refusal(ENV, '--export-dir', '/there/is/no/such/folder')).toContain('cannot be written to');
  });

  it('rejects a file as the folder', async () => {
    expect(await refusal(ENV, '--export-dir', import.meta.filename)).toContain('cannot be written to');
  });

  it('uses no other database if the maintenance URL is missing', async () => {
    expect(await refusal({ PCS_AUDIT_RETENTION_DAYS: '30' }, '--dry-run')).toContain('--embedded');
    expect(await refusal({ ...ENV, DATABASE_MAINTENANCE_UR: MAINTENANCE }, '--dry-run')).toContain(
      'did you mean DATABASE_MAINTENANCE_URL?',
    );
  });

  it('names the database before it connects, and then reports that it is unreachable', async () => {
    const said: string[] = [];
    const ended = runCompaction({ ...ENV, NODE_ENV: 'production' }, ['--dry-run'], line => said.push(line));
    await expect(ended).rejects.toThrow(/ECONNREFUSED|EACCES/);
    expect(said).toEqual(['Database: none at 127.0.0.1:1, role coordination_maintenance.']);
  });

  it('needs only the maintenance URL, also in production', async () => {
    const env = { ...ENV, DATABASE_URL: '', NODE_ENV: 'production' };
    await expect(runCompaction(env, ['--dry-run'], () => undefined)).rejects.toThrow(/ECONNREFUSED|EACCES/);
  });
});
