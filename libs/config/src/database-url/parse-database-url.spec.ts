import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DatabaseUrl, DatabaseUrlError } from './database-url.js';
import { formatDatabaseUrl, parseDatabaseUrl } from './parse-database-url.js';

const complaintAbout = (url: string): string => {
  try {
    parseDatabaseUrl(url);
  } catch (error) {
    expect(error).toBeInstanceOf(DatabaseUrlError);
    expect((error as Error).cause).toBeUndefined();
    return (error as DatabaseUrlError).complaint;
  }
  throw new Error(`${url} is taken for a URL.`);
};

const serversOf = (url: string) =>
  parseDatabaseUrl(url).servers.map(({ host, port }) => (port === undefined ? host : `${host} ${port}`));

describe('The servers of a database URL', () => {
  it.each([
    ['postgres://db/x', ['db']],
    ['postgresql://app:pw@db.example:6432/x', ['db.example 6432']],
    ['postgres://app:pw@db1:5432,db2:5433/x?target_session_attrs=read-write', ['db1 5432', 'db2 5433']],
    ['postgres://db1,db2:5433,db3/x', ['db1', 'db2 5433', 'db3']],
    ['postgres://[::1]:5432,[2001:db8::7],10.0.0.1:1/x', ['::1 5432', '2001:db8::7', '10.0.0.1 1']],
    ['postgres://[fe80::1%25eth0]:5432/x', ['fe80::1%eth0 5432']],
    ['postgres:///x?host=db1,db2&port=5432,5433', ['db1 5432', 'db2 5433']],
    ['postgres:///x?host=db1,db2&port=6432', ['db1 6432', 'db2 6432']],
    ['postgres:///x?host=db1,db2&port=,5433', ['db1', 'db2 5433']],
    ['postgres:///x?host=::1,[::2]', ['::1', '::2']],
    ['postgres:///x?host=db1%2Cdb2', ['db1', 'db2']],
    ['postgres://app@other:5433/x?host=db1,db2', ['db1 5433', 'db2 5433']],
    ['postgres://db1,db2/x?port=6432', ['db1 6432', 'db2 6432']],
    ['postgres:///x?host=/var/run/postgresql', ['/var/run/postgresql']],
    ['postgres://app@/x?host=/var/run/postgresql&port=5433', ['/var/run/postgresql 5433']],
    ['postgres://app@:5433/x?host=/tmp', ['/tmp 5433']],
    ['postgres://%2Fvar%2Frun%2Fpostgresql/x', ['/var/run/postgresql']],
    ['postgres://app:pw@%2Ftmp:5433,db2:5434/x', ['/tmp 5433', 'db2 5434']],
    ['postgres:///x?host=/tmp,db2', ['/tmp', 'db2']],
    ['socket:/var/run/postgresql?db=x', ['/var/run/postgresql']],
    ['socket://app:pw@/var/run/postgresql?db=x', ['/var/run/postgresql']],
    ['postgres://my_db,xn--bcher-kva.example,bücher.example/x', ['my_db', 'xn--bcher-kva.example', 'bücher.example']],
    [' postgres://db/x\n', ['db']],
    ['postgres:///x', []],
  ])('%s', (url, servers) => {
    expect(serversOf(url)).toEqual(servers);
  });

  it('that are named elsewhere may have their port in the URL', () => {
    expect(parseDatabaseUrl('postgres://:5433/x')).toMatchObject({ servers: [], port: 5433 });
  });

  it.each([
    ['postgres://db1,db2,db3/x?port=1,2', /^names 3 hosts and 2 ports: name one port for all hosts, or one for each$/],
    ['postgres://db1:0/x', /^names a port that is no number from 1 to 65535$/],
    ['postgres://db1:65536,db2/x', /^names a port/],
    ['postgres://db1:54a/x', /^names a port/],
    ['postgres://db1,,db2/x', /^has an empty host/],
    ['postgres://db1,/x', /^has an empty host/],
    ['postgres://::1:5432/x', /^names a port/],
    ['postgres://[::1/x', /^names a host that is no name/],
    ['postgres://[::g]/x', /^names a host that is no name/],
    ['postgres://d b/x', /^names a host that is no name/],
    [
      'postgres:///x?hostaddr=10.0.0.1',
      /^has the parameter hostaddr, which is not supported: write the address as the host/,
    ],
    ['postgres:///x?service=main', /^has the parameter service/],
    ['postgres:///x?passfile=/etc/pgpass', /PGPASSFILE.*DATABASE_PASSWORD_FILE/],
  ])('%s is refused', (url, complaint) => {
    expect(complaintAbout(url)).toMatch(complaint);
  });
});

describe('The rest of a database URL', () => {
  it('is decoded', () => {
    const url = 'postgres://a%40b:s%3A%2F%23%3F%25%40@db/the%20catalog?options=-c%20geqo%3Doff&application_name=x';
    expect(parseDatabaseUrl(url)).toMatchObject({
      user: 'a@b',
      password: 's:/#?%@',
      database: 'the catalog',
      parameters: new Map([
        ['options', '-c geqo=off'],
        ['application_name', 'x'],
      ]),
    });
  });

  it('may stand in its parameters', () => {
    expect(parseDatabaseUrl('postgres://a:b@db/x?user=c@d&password=p@ss%2B&dbname=y')).toMatchObject({
      user: 'c@d',
      password: 'p@ss+',
      database: 'y',
    });
    expect(parseDatabaseUrl('postgres://a@db/x?password_file=/run/secrets/pw')).toMatchObject({
      user: 'a',
      password: undefined,
      passwordFile: '/run/secrets/pw',
    });
  });

  it.each([
    ['read-write', 'read-write'],
    ['primary', 'primary'],
    ['any', 'any'],
    ['', undefined],
  ])('has target_session_attrs=%s', (said, target) => {
    expect(parseDatabaseUrl(`postgres://db1/x?target_session_attrs=${said}`).target).toBe(target);
  });

  it.each(['read-only', 'standby', 'prefer-standby', 'READ-WRITE', 'master'])(
    'has no target_session_attrs=%s, since this service writes',
    said => {
      expect(complaintAbout(`postgres://db1,db2/x?target_session_attrs=${said}`)).toMatch(
        /^must have target_session_attrs read-write, primary or any: this service writes/,
      );
    },
  );

  it.each([
    ['5', 5],
    ['0', undefined],
    ['-1', undefined],
    ['', undefined],
  ])('has connect_timeout=%s', (said, seconds) => {
    expect(parseDatabaseUrl(`postgres://db1/x?connect_timeout=${said}`).connectTimeoutSeconds).toBe(seconds);
  });

  it.each(['soon', '1.5', '5s', '99999999'])('has no connect_timeout=%s', said => {
    expect(complaintAbout(`postgres://db1/x?connect_timeout=${said}`)).toMatch(/^must have a connect_timeout in whole/);
  });

  it.each([
    ['mysql://localhost/x', 'must be a postgres:// URL'],
    ['host=db1 dbname=x', 'must be a postgres:// URL'],
    ['postgres:x', 'must be a postgres:// URL'],
    ['', 'must be a postgres:// URL'],
    ['postgres://db1', 'must name a database, such as postgres://user@host:5432/coordination'],
    ['postgres://db1/?sslmode=require', 'must name a database, such as postgres://user@host:5432/coordination'],
    ['socket:/tmp', 'must name a database, such as postgres://user@host:5432/coordination'],
    ['postgres://db1/x?y', 'has parameters that are not of the form name=value: write & in a value as %26'],
    ['postgres://db1/%ff', 'has escapes that are not UTF-8'],
    ['postgres://db1/x\ny', 'has a line break or another control character, which must be percent-encoded'],
  ])('%s is refused', (url, complaint) => {
    expect(complaintAbout(url)).toBe(complaint);
  });
});

describe('A password that is not percent-encoded', () => {
  const chars = 'has characters in its user or password that must be percent-encoded: write ';

  it.each([
    ['p@ss:w/rd#1', '@ as %40, : as %3A, / as %2F, # as %23'],
    ['pa/ss', '/ as %2F'],
    ['12/34', '/ as %2F'],
    ['p@12/34', '@ as %40, / as %2F'],
    ['12/ab?cd=ef34', '/ as %2F, ? as %3F'],
    ['p@12/ab?cd=ef&gh=ij34', '@ as %40, / as %2F, ? as %3F'],
    ['12/ab?host=ef34', '/ as %2F, ? as %3F'],
    ['pa?ss', '? as %3F'],
    ['12?34', '? as %3F'],
    ['pa#ss', '# as %23'],
    ['#', '# as %23'],
    ['100%', '% as %25'],
    ['%zz', '% as %25'],
    ['a/b?c#d%', '/ as %2F, ? as %3F, # as %23, % as %25'],
    ['pa/ss%41', '/ as %2F'],
    ['[/]', '/ as %2F'],
  ])('%s is refused, and what is to be written is said', (password, ways) => {
    for (const url of [`postgres://app:${password}@db:5432/x`, `postgres://app:${password}@db1,db2:5433/x?a=b`]) {
      expect(complaintAbout(url)).toBe(chars + ways);
    }
  });

  it.each(['p@ss', 'a:b', '@', 'p@ss@', 'a,b', 'a b', '[x]', 'ü', '$&+=;!*', '%41'])(
    '%s is taken where nothing else can be meant',
    password => {
      const url = `postgres://app:${password}@db1:5432,db2/x`;
      expect(parseDatabaseUrl(url)).toMatchObject({ user: 'app', password: decodeURIComponent(password) });
      expect(serversOf(url)).toEqual(['db1 5432', 'db2']);
    },
  );

  it('is refused in a parameter', () => {
    expect(complaintAbout('postgres://db/x?password=a+b')).toMatch(/write \+ as %2B/);
    expect(complaintAbout('postgres://db/x?password=a&b')).toMatch(/write & in a value as %26/);
    expect(complaintAbout('postgres://db/x?password=a#b')).toMatch(/write # as %23/);
    expect(complaintAbout('postgres://db/x?password=a%b')).toMatch(/write % as %25/);
  });

  it('never becomes a host, a port or a database, and no piece of it is repeated', () => {
    const piece = fc.stringMatching(/^([a-z]{6,9}|[13579]{5})$/);
    const special = fc.constantFrom(
      '@',
      ':',
      '/',
      '#',
      '?',
      '%',
      '[',
      ']',
      ',',
      ' ',
      '&',
      '=',
      '\\',
      '+',
      '%2',
      '/ab?cd=',
    );
    const password = fc.array(fc.tuple(special, piece), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(piece, password, (first, rest) => {
        const pieces = [first, ...rest.map(([, word]) => word)];
        const text = first + rest.flat().join('');
        let told: string;
        try {
          const { servers, database } = parseDatabaseUrl(`postgres://app:${text}@db:5432/x`);
          told = JSON.stringify([servers, database]);
          expect(told).toBe('[[{"host":"db","port":5432}],"x"]');
        } catch (error) {
          if (!(error instanceof DatabaseUrlError)) throw error;
          told = `${error.message} ${error.stack} ${JSON.stringify(error)}`;
        }
        for (const word of pieces) expect(told).not.toContain(word);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('A database URL that is written', () => {
  it('is read as the same', () => {
    const text = fc
      .string({ minLength: 1, maxLength: 12, unit: 'grapheme' })
      .filter(value => !/\p{Cc}/u.test(value) && value.trim() === value);
    const host = fc.constantFrom('db1', 'db.example', '10.0.0.1', '::1', 'fe80::1%eth0', '/run/postgresql');
    const port = fc.option(fc.integer({ min: 1, max: 65_535 }), { nil: undefined });
    const url: fc.Arbitrary<DatabaseUrl> = fc
      .record({
        servers: fc.array(fc.record({ host, port }), { maxLength: 3 }),
        port,
        user: fc.option(text, { nil: undefined }),
        password: fc.option(text, { nil: undefined }),
        passwordFile: fc.option(text, { nil: undefined }),
        database: text,
        target: fc.constantFrom('any' as const, 'primary' as const, 'read-write' as const, undefined),
        connectTimeoutSeconds: fc.option(fc.integer({ min: 1, max: 600 }), { nil: undefined }),
        parameters: fc.dictionary(fc.constantFrom('sslmode', 'options', 'application_name'), text),
      })
      .map(({ parameters, ...rest }) => ({
        ...rest,
        port: rest.servers.length > 0 ? undefined : rest.port,
        parameters: new Map(Object.entries(parameters)),
      }));
    fc.assert(
      fc.property(url, value => {
        expect(parseDatabaseUrl(formatDatabaseUrl(value))).toEqual(value);
      }),
    );
  });
});
