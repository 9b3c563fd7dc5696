import { describe, expect, it } from 'vitest';
import { parseDatabaseUrl } from './database-url/parse-database-url.js';
import { assertEmbeddedAllowed, foreignVariablesOf, readSettings, settingsReferenceMarkdown } from './index.js';
import { SettingsError } from './read-settings.js';
import { SETTINGS } from './settings.js';

describe('readSettings', () => {
  it('has a value for everything that has a default', () => {
    expect(readSettings({})).toMatchObject({
      PORT: 8081,
      HOST: '127.0.0.1',
      PCS_CORS_ORIGINS: [],
      PCS_TRUSTED_PROXIES: [],
      PCS_SHUTDOWN_GRACE_SECONDS: 20,
    });
    expect(readSettings({}).DATABASE_URL).toBeUndefined();
  });

  it('takes an empty value for an absent one', () => {
    expect(readSettings({ PORT: '', DATABASE_URL: '', PCS_MIGRATE_ON_START: '' })).toEqual(readSettings({}));
  });

  it('leaves the variables of others alone, those of Kubernetes service links too', () => {
    const foreign = { DATABASE_PORT: 'tcp://10.0.0.1:5432', POSTGRES_PORT_5432_TCP: 'x', pcs_small: 'x' };
    expect(readSettings(foreign)).toEqual(readSettings({}));
  });

  it('reads lists', () => {
    const settings = readSettings({
      PCS_CORS_ORIGINS: 'https://ui.example.com, http://localhost:3000 ,',
      PCS_TRUSTED_PROXIES: '10.0.0.0/8,127.0.0.1,fd00::/8,::1',
    });
    expect(settings.PCS_CORS_ORIGINS).toEqual(['https://ui.example.com', 'http://localhost:3000']);
    expect(settings.PCS_TRUSTED_PROXIES).toEqual(['10.0.0.0/8', '127.0.0.1', 'fd00::/8', '::1']);
  });

  it('allows probes of loopback alone, unless it is told what else, or nothing', () => {
    expect(readSettings({}).PCS_PROBE_ALLOW).toEqual(['127.0.0.0/8', '::1/128']);
    expect(readSettings({ PCS_PROBE_ALLOW: '0.0.0.0/0, ::/0' }).PCS_PROBE_ALLOW).toEqual(['0.0.0.0/0', '::/0']);
    expect(readSettings({ PCS_PROBE_ALLOW: 'none' }).PCS_PROBE_ALLOW).toEqual([]);
  });

  it.each([
    ['PORT', '65536'],
    ['PORT', '-1'],
    ['PORT', '80.5'],
    ['DATABASE_URL', 'mysql://localhost/x'],
    ['DATABASE_URL', 'localhost:5432'],
    ['DATABASE_URL', 'postgres://user@localhost:5432'],
    ['DATABASE_URL', 'postgres://user@localhost:5432/?sslmode=require'],
    ['DATABASE_MIGRATION_URL', 'postgres://localhost/'],
    ['DATABASE_SSL', 'yes'],
    ['DATABASE_SSL', 'verify-full'],
    ['DATABASE_APP_ROLE', 'a'.repeat(64)],
    ['LOG_LEVEL', 'loud'],
    ['PCS_MIGRATE_ON_START', 'enabled'],
    ['PCS_MIGRATE_ON_START', '2'],
    ['HOST', '127.0.0.1:8081'],
    ['HOST', 'http://0.0.0.0'],
    ['HOST', '[::1]'],
    ['HOST', '*'],
    ['HOST', '0'],
    ['PORT', '80 81'],
    ['PORT', '8_081'],
    ['PORT', '"8081"'],
    ['LOG_LEVEL', "'info'"],
    ['PCS_NODE_ID', '"node-1"'],
    ['DATABASE_URL', '"postgres://user@localhost:5432/x"'],
    ['NODE_ENV', '"production"'],
    ['PCS_STALENESS_LIMIT_SECONDS', '0'],
    ['PCS_CORS_ORIGINS', '*'],
    ['PCS_CORS_ORIGINS', 'https://ui.example.com/'],
    ['PCS_CORS_ORIGINS', 'https://ui.example.com,ui.example.com'],
    ['PCS_TRUSTED_PROXIES', 'proxy.local'],
    ['PCS_TRUSTED_PROXIES', '10.0.0.0/33'],
    ['PCS_TRUSTED_PROXIES', '10.0.0.0/8/8'],
    ['PCS_TRUSTED_PROXIES', 'fe80::1%eth0'],
    ['PCS_TRUSTED_PROXIES', 'fe80::%eth0/10'],
    ['PCS_TRUSTED_PROXIES', '::ffff:0:0/96'],
    ['PCS_PROBE_ALLOW', 'fe80::1%eth0'],
    ['PCS_TRUSTED_PROXIES', '0.0.0.0/0'],
    ['PCS_TRUSTED_PROXIES', '10.0.0.1,::1/129'],
    ['PCS_TRUSTD_PROXIES', '10.0.0.1'],
    ['PCS_PROBE_ALLOW', 'localhost'],
    ['PCS_PROBE_ALLOW', '10.0.0.0/8,none'],
    ['PCS_PROBE_ALLOW', '10.0.0.0/33'],
    ['PCS_PROBE_CONCURRENCY', '0'],
    ['PCS_NODE_ID', 'a/b'],
    ['PCS_NODE_ID', '.'],
    ['PCS_NODE_ID', '..'],
    ['PCS_ADVERTISED_HOST', 'fe80::1%eth0'],
    ['PCS_ADVERTISED_HOST', '0.0.0.0'],
    ['PCS_ADVERTISED_HOST', '::ffff:0:0'],
    ['PCS_ADVERTISED_HOST', 'node.example.org.'],
    ['PCS_ADVERTISED_HOST', '[::1]'],
    ['PCS_ADVERTISED_HOST', 'node:8081'],
    ['PCS_KEEP_ALIVE_SECONDS', '0'],
    ['PCS_KEEP_ALIVE_SECONDS', '1.5'],
    ['PCS_NODE_TTL_SECONDS', '1'],
    ['PCS_ALLOWED_HOSTS', '*'],
    ['PCS_ALLOWED_HOSTS', '*.'],
    ['PCS_ALLOWED_HOSTS', '*.10.0.0.1'],
    ['PCS_ALLOWED_HOSTS', 'a.*.example.com'],
    ['PCS_ALLOWED_HOSTS', 'platform.example.com:8081'],
    ['PCS_ALLOWED_HOSTS', 'https://platform.example.com'],
    ['PCS_ALLOWED_HOSTS', 'localhost, a b'],
    ['PCS_PUBLIC_URL', 'platform.example.com/pcs'],
    ['PCS_PUBLIC_URL', 'ftp://platform.example.com/pcs'],
    ['PCS_PUBLIC_URL', 'https://user:secret@platform.example.com'],
    ['PCS_PUBLIC_URL', 'https://platform.example.com/pcs?a=1'],
    ['PCS_PUBLIC_URL', 'https://platform.example.com/pcs?'],
    ['PCS_PUBLIC_URL', 'https://platform.example.com/pcs#'],
    ['PCS_SELF_REGISTRATION', 'perhaps'],
  ])('refuses %s=%s by a line that names it', (name, value) => {
    const read = () => readSettings({ [name]: value });
    expect(read).toThrow(SettingsError);
    expect(read).toThrow(new RegExp(`^Bad settings: ${name} .*[.]$`));
  });

  it.each([
    ['on', true],
    ['ON', true],
    ['True', true],
    ['yes', true],
    ['YES', true],
    ['1', true],
    ['off', false],
    ['Off', false],
    ['FALSE', false],
    ['no', false],
    ['No', false],
    ['0', false],
    [' true\n', true],
  ])('takes %j for a switch', (text, isOn) => {
    for (const name of ['PCS_MIGRATE_ON_START', 'PCS_SELF_REGISTRATION', 'PCS_STRONG_READ_FENCE'] as const) {
      expect(readSettings({ [name]: text })[name]).toBe(isOn);
    }
  });

  it.each([
    ['LOG_LEVEL', 'INFO', 'info'],
    ['LOG_LEVEL', 'Warn', 'warn'],
    ['LOG_FORMAT', 'JSON', 'json'],
    ['LOG_FORMAT', 'Pretty', 'pretty'],
    ['DATABASE_SSL', 'Require', 'require'],
    ['DATABASE_SSL', 'OFF', 'off'],
    ['HOST', 'LocalHost', 'localhost'],
    ['PCS_PROBE_ALLOW', 'None', []],
  ] as const)('takes %s=%s in any case', (name, text, value) => {
    expect(readSettings({ [name]: text })[name]).toEqual(value);
  });

  it.each([
    ['PORT', ' 8082 ', 8082],
    ['PORT', '8082\r', 8082],
    ['HOST', ' ::1', '::1'],
    ['LOG_LEVEL', '\tdebug\n', 'debug'],
    ['PCS_GUARD_SERVICE_SHARE', '0.5 ', 0.5],
    ['PCS_NODE_ID', ' node-1\n', 'node-1'],
    ['DATABASE_URL', ' postgres://db/x\n', 'postgres://db/x'],
    ['PCS_PUBLIC_URL', ' https://platform.example.com ', 'https://platform.example.com'],
    ['PCS_EMBEDDED_POSTGRES_DIR', ' /data/pg ', '/data/pg'],
  ] as const)('takes %s=%j without what surrounds it', (name, text, value) => {
    expect(readSettings({ [name]: text })[name]).toBe(value);
  });

  it('takes a value of spaces for an absent one, of whichever kind', () => {
    const blank = Object.fromEntries(Object.keys(SETTINGS).map(name => [name, ' \t\n']));
    expect(readSettings(blank)).toEqual(readSettings({}));
  });

  it.each([
    ['PCS_MIGRATE_ON_START', 'enabled', 'must be on or off (or true or false, yes or no, 1 or 0)'],
    ['LOG_LEVEL', 'loud', 'must be fatal, error, warn, info, debug, trace or silent'],
    ['LOG_FORMAT', 'text', 'must be json or pretty'],
    ['DATABASE_SSL', 'true', 'must be off, require or verify'],
    ['PORT', 'http', 'must be a whole number from 0 to 65535'],
    ['PCS_WATCH_CATCH_UPS', '101', 'must be a whole number from 1 to 100'],
    ['PCS_GUARD_TOTAL_SHARE', '15%', 'must be a share from 0 to 1, such as 0.3'],
    ['PCS_GUARD_TOTAL_SHARE', "'0.3'", 'is in quotation marks, and they count as part of the value: remove them'],
  ])('lists what %s=%s could be', (name, text, complaint) => {
    expect(() => readSettings({ [name]: text })).toThrow(`Bad settings: ${name} ${complaint}.`);
  });

  it('spells the advertised host as registrations are spelt', () => {
    expect(readSettings({ PCS_ADVERTISED_HOST: 'Node.Example.ORG' }).PCS_ADVERTISED_HOST).toBe('node.example.org');
    expect(readSettings({ PCS_ADVERTISED_HOST: '2001:DB8:0::7' }).PCS_ADVERTISED_HOST).toBe('2001:db8::7');
  });

  it.each([
    ['https://Platform.example.com/pcs/', 'https://platform.example.com/pcs'],
    ['http://localhost:8081', 'http://localhost:8081'],
    ['https://platform.example.com:443//', 'https://platform.example.com'],
  ])('takes %s as the public URL, without the slash at its end', (text, url) => {
    expect(readSettings({ PCS_PUBLIC_URL: text }).PCS_PUBLIC_URL).toBe(url);
  });

  it('spells allowed hosts as registrations are spelt, and keeps wildcards', () => {
    const PCS_ALLOWED_HOSTS = ' Platform.Example.com,, *.EXAMPLE.org ,2001:DB8::7,127.0.0.1';
    expect(readSettings({ PCS_ALLOWED_HOSTS }).PCS_ALLOWED_HOSTS).toEqual([
      'platform.example.com',
      '*.example.org',
      '2001:db8::7',
      '127.0.0.1',
    ]);
    expect(readSettings({}).PCS_ALLOWED_HOSTS).toEqual([]);
  });

  it('asks for an advertised host where the node cannot be registered by the address that it listens on', () => {
    const zoned = { HOST: 'fe80::1%eth0' };
    expect(() => readSettings(zoned)).toThrow(/^Bad settings: PCS_ADVERTISED_HOST must be set with HOST=fe80::1%eth0,/);
    expect(readSettings({ ...zoned, PCS_ADVERTISED_HOST: 'node-1' }).HOST).toBe('fe80::1%eth0');
    expect(readSettings({ ...zoned, PCS_SELF_REGISTRATION: 'off' }).HOST).toBe('fe80::1%eth0');
    for (const HOST of ['0.0.0.0', '::', '0::0', '::ffff:0:0', 'localhost', '::1']) {
      expect(readSettings({ HOST }).HOST).toBe(HOST);
    }
  });

  it.each([
    ['DATABASE_URI', 'DATABASE_URL'],
    ['DATABASE_URLL', 'DATABASE_URL'],
    ['DATABASE_UR', 'DATABASE_URL'],
    ['DATABASE_RUL', 'DATABASE_URL'],
    ['DATABASE-URL', 'DATABASE_URL'],
    ['database_url', 'DATABASE_URL'],
    ['Database_Url', 'DATABASE_URL'],
    ['DATABSE_URL', 'DATABASE_URL'],
    ['DATBASE_MIGRATION_URL', 'DATABASE_MIGRATION_URL'],
    ['DATABASE_MIGRATIONS_URL', 'DATABASE_MIGRATION_URL'],
    ['DATABASE_MAINTENACE_URL', 'DATABASE_MAINTENANCE_URL'],
    ['DATABASE_LISTENER_URL', 'DATABASE_LISTEN_URL'],
    ['DATABASE_SSI', 'DATABASE_SSL'],
    ['DATABASE_POOLMAX', 'DATABASE_POOL_MAX'],
    ['PCS_TRUSTD_PROXIES', 'PCS_TRUSTED_PROXIES'],
    ['PCS_EMBEDED_POSTGRES_DIR', 'PCS_EMBEDDED_POSTGRES_DIR'],
    ['PCS_MIGRATE_AT_START', 'PCS_MIGRATE_ON_START'],
  ])('refuses %s, and asks whether %s was meant', (name, meant) => {
    expect(() => readSettings({ [name]: 'x' })).toThrow(
      new RegExp(`^Bad settings: ${name} is not a setting of this service.*: did you mean ${meant}[?][.]$`),
    );
  });

  it('suggests nothing where no setting is near', () => {
    expect(() => readSettings({ PCS_SOMETHING_ELSE: '1' })).toThrow(
      'Bad settings: PCS_SOMETHING_ELSE is not a setting of this service (see docs/configuration.md).',
    );
  });

  it('leaves names that platforms set alone, those of service links whatever they resemble, and empty ones', () => {
    const foreign = {
      DATABASE_HOST: 'db',
      DATABASE_USER: 'x',
      DATABASE_NAME: 'x',
      DATABASE_PASSWORD: 'x',
      DATABASE_PRIVATE_URL: 'postgres://db/x',
      DATABASE_SERVICE_HOST: '10.0.0.1',
      DATABASE_SERVICE_PORT: '5432',
      DATABASE_SERVICE_PORT_POSTGRES: '5432',
      DATABASE_PORT: 'tcp://10.0.0.1:5432',
      DATABASE_PORT_5432_TCP: 'tcp://10.0.0.1:5432',
      DATABASE_PORT_5432_TCP_ADDR: '10.0.0.1',
      DATABASE_URL_PORT: 'tcp://10.0.0.1:5432',
      DATABASE_URI: '',
    };
    expect(readSettings(foreign)).toEqual(readSettings({}));
    const said = foreignVariablesOf(foreign);
    for (const name of Object.keys(foreign)) expect(said).toContain(name);
    expect(said).not.toContain('10.0.0.1');
    expect(foreignVariablesOf({ PATH: '/bin', DATABASE_URL: 'postgres://db/x' })).toBeUndefined();
  });

  it('lets a name with another prefix stand beside the setting that it resembles', () => {
    const env = { DATABASE_URL: 'postgres://db/x', DATABASES_URL: 'postgres://db/y', DATABASE_MIGRATION_URL: '' };
    expect(() => readSettings({ DATABASES_URL: env.DATABASES_URL })).toThrow('did you mean DATABASE_URL?');
    expect(readSettings(env).DATABASE_URL).toBe(env.DATABASE_URL);
  });

  it('names everything that is wrong in one line, and no password', () => {
    expect(() => readSettings({ PORT: 'x', PCS_UNKNOWN: '1', DATABASE_URL: 'http://user:secret@db/x' })).toThrow(
      /^(?=.*PORT)(?=.*PCS_UNKNOWN)(?=.*DATABASE_URL)(?!.*secret).*$/,
    );
  });

  it('refuses the embedded PostgreSQL in production', () => {
    expect(() => readSettings({ NODE_ENV: 'production' })).toThrow(/DATABASE_URL must be set/);
    expect(() => readSettings({ NODE_ENV: ' Production' })).toThrow(/DATABASE_URL must be set/);
    expect(readSettings({ NODE_ENV: 'production', DATABASE_URL: 'postgres://db/x' }).NODE_ENV).toBe('production');
    // A command for one role is given nothing but its URL; it takes no embedded one instead.
    const maintenance = readSettings({ NODE_ENV: 'production', DATABASE_MAINTENANCE_URL: 'postgres://db/x' });
    expect(() => assertEmbeddedAllowed(maintenance)).toThrow(/DATABASE_URL must be set/);
    expect(() => assertEmbeddedAllowed(readSettings({}))).not.toThrow();
  });
});

const fileOf = (url: string | undefined) => (url === undefined ? undefined : parseDatabaseUrl(url).passwordFile);

describe('Files of passwords', () => {
  const service = 'postgres://app@db1,db2/coordination';

  it('go with the URLs that they are for', () => {
    const settings = readSettings({
      DATABASE_URL: service,
      DATABASE_PASSWORD_FILE: '/run/secrets/app',
      DATABASE_MIGRATION_URL: 'postgres://owner@db1,db2/coordination',
      DATABASE_MIGRATION_PASSWORD_FILE: '/run/secrets/owner',
      DATABASE_MAINTENANCE_URL: 'postgres://maintenance@db1/coordination',
      DATABASE_MAINTENANCE_PASSWORD_FILE: '/run/secrets/maintenance',
    });
    expect(fileOf(settings.DATABASE_URL)).toBe('/run/secrets/app');
    expect(parseDatabaseUrl(settings.DATABASE_URL!)).toEqual({
      ...parseDatabaseUrl(service),
      passwordFile: '/run/secrets/app',
    });
    expect(fileOf(settings.DATABASE_MIGRATION_URL)).toBe('/run/secrets/owner');
    expect(fileOf(settings.DATABASE_MAINTENANCE_URL)).toBe('/run/secrets/maintenance');
  });

  it.each(['DATABASE_LISTEN_URL', 'DATABASE_MIGRATION_URL', 'DATABASE_MAINTENANCE_URL'] as const)(
    'of the service serve %s too, where the user is the same and has no password',
    name => {
      const fileWith = (url: string) =>
        fileOf(readSettings({ DATABASE_URL: service, DATABASE_PASSWORD_FILE: '/pw', [name]: url })[name]);
      expect(fileWith('postgres://app@direct/coordination')).toBe('/pw');
      expect(fileWith('postgres://app:own@direct/coordination')).toBeUndefined();
      expect(fileWith('postgres://other@direct/coordination')).toBeUndefined();
      expect(fileWith('postgres://app@direct/coordination?password_file=/own')).toBe('/own');
    },
  );

  it.each([
    [
      { DATABASE_URL: 'postgres://app:s3cret@db/x', DATABASE_PASSWORD_FILE: '/pw' },
      'DATABASE_URL has a password, and DATABASE_PASSWORD_FILE is set: remove one of them',
    ],
    [
      { DATABASE_URL: 'postgres://app@db/x?password=s3cret', DATABASE_PASSWORD_FILE: '/pw' },
      'DATABASE_URL has a password, and DATABASE_PASSWORD_FILE is set',
    ],
    [
      { DATABASE_LISTEN_URL: 'postgres://app:s3cret@db/x?password_file=/pw' },
      'DATABASE_LISTEN_URL has a password and a password_file',
    ],
    [{ DATABASE_PASSWORD_FILE: '/pw' }, 'DATABASE_PASSWORD_FILE is set without DATABASE_URL'],
    [
      { DATABASE_URL: service, DATABASE_MIGRATION_PASSWORD_FILE: '/pw' },
      'DATABASE_MIGRATION_PASSWORD_FILE is set without DATABASE_MIGRATION_URL',
    ],
  ])('%o are refused', (env, complaint) => {
    expect(() => readSettings(env)).toThrow(complaint);
    expect(() => readSettings(env)).toThrow(/^(?!.*s3cret)/);
  });

  it('whose URL is bad leave it to be named', () => {
    expect(() => readSettings({ DATABASE_URL: 'postgres://app:a/b@db/x', DATABASE_PASSWORD_FILE: '/pw' })).toThrow(
      'Bad settings: DATABASE_URL has characters in its user or password that must be percent-encoded: write / as %2F.',
    );
  });
});

describe('URLs of databases', () => {
  it.each(['DATABASE_URL', 'DATABASE_LISTEN_URL', 'DATABASE_MIGRATION_URL', 'DATABASE_MAINTENANCE_URL'])(
    '%s may name several hosts and sockets, and is refused without a piece of its password',
    name => {
      for (const url of [
        'postgres://app:pw@db1:5432,db2:5433/x?target_session_attrs=read-write',
        'postgres:///x?host=/var/run/postgresql',
      ]) {
        expect(readSettings({ [name]: url })).toMatchObject({ [name]: url });
      }
      expect(() => readSettings({ [name]: 'postgres://app:p@ss:w/rd#1@db:5432/x' })).toThrow(
        `Bad settings: ${name} has characters in its user or password that must be percent-encoded: ` +
          'write @ as %40, : as %3A, / as %2F, # as %23.',
      );
    },
  );
});
describe('settingsReferenceMarkdown', () => {
  it('has a line for each setting, with what it takes', () => {
    const lines = settingsReferenceMarkdown().split('\n');
    for (const name of Object.keys(SETTINGS))
      expect(lines.filter(line => line.startsWith(`| \`${name}\` |`))).toHaveLength(1);
    expect(lines).toContainEqual(expect.stringMatching(/^\| `PCS_SELF_REGISTRATION` \| `on` \| on or off \(or true/));
    expect(lines).toContainEqual(expect.stringMatching(/^\| `PORT` \| `8081` \| a whole number from 0 to 65535 \|/));
  });
});
