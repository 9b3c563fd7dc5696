import { pgOptions } from '@coordination/database';
import { MIGRATIONS } from '@coordination/migrations';
import { Migrator } from '@mikro-orm/migrations';
import { MikroORM } from '@mikro-orm/postgresql';

/**
 * How long (ms) the migrations after the first one take on a database that is filled: they are undone and applied again.
 * @returns by the name of the migration
 */
export async function migrationTimes(url: string): Promise<Record<string, number>> {
  const orm = await MikroORM.init({
    clientUrl: url,
    entities: [],
    discovery: { warnWhenNoEntities: false },
    extensions: [Migrator],
    logger: () => undefined,
    driverOptions: { ...pgOptions(url, 'off'), max: 1 },
    migrations: { migrationsList: MIGRATIONS, snapshot: false, silent: true, transactional: true },
  });
  try {
    const [first, ...later] = MIGRATIONS.map(({ name }) => name);
    await orm.migrator.down({ to: first! });
    const times: Record<string, number> = {};
    for (const name of later) {
      const begun = performance.now();
      await orm.migrator.up({ migrations: [name] });
      times[name] = performance.now() - begun;
    }
    return times;
  } finally {
    await orm.close(true);
  }
}
