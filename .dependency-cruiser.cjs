const platform = 'http|context|database|observability|config';

/** A library may only be used through its index. */
const throughTheDoor = {
  name: 'through-the-door',
  comment: 'A library has one door, src/index.ts: what it does not export is nobody else’s business.',
  severity: 'error',
  from: { path: '^(?:apps|libs|migrations)/([^/]+)/' },
  to: { path: '^libs/([^/]+)/src/', pathNot: '^libs/(?:$1/|[^/]+/src/index[.]ts$)' },
};

const never = (name, from, to, comment) => ({
  name,
  comment,
  severity: 'error',
  from: { path: from },
  to: { path: to },
});

module.exports = {
  forbidden: [
    throughTheDoor,
    {
      name: 'no-circles',
      comment: 'Two files that need each other are one file, or hide a third.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    never(
      'kernel-is-pure',
      '^libs/kernel/',
      '^(?:libs/(?!kernel/)|apps/|node_modules/(?:@nestjs|@mikro-orm|fastify))',
      'The kernel is plain TypeScript: no framework, no database.',
    ),
    never(
      'platform-knows-no-domain',
      `^libs/(?:${platform})/`,
      `^(?:apps/|libs/(?!(?:kernel|${platform})/))`,
      'Platform libraries would serve any other service too.',
    ),
    never(
      'audit-knows-only-the-platform',
      '^libs/audit/',
      '^(?:apps/|libs/(?:registry|discovery|liveness|health)/)',
      'The log does not know who writes to it.',
    ),
    never(
      'registry-does-not-know-its-readers',
      '^libs/registry/',
      '^(?:apps/|libs/(?:discovery|liveness|health)/)',
      'The write side announces; the read side listens.',
    ),
    never(
      'discovery-does-not-know-liveness',
      '^libs/discovery/',
      '^(?:apps/|libs/(?:liveness|health)/)',
      'Reading the catalog does not depend on who keeps it alive.',
    ),
    never(
      'nobody-knows-the-app',
      '^(?:libs|migrations)/',
      '^apps/',
      'The application only puts the libraries together.',
    ),
    never(
      'deciding-is-pure',
      '^libs/registry/src/domain/',
      '^(?:node_modules/(?:@nestjs|@mikro-orm|pg|fastify)|libs/(?:database|http|observability|context)/)',
      'Deciding is a function of its arguments: no framework, no I/O, no database.',
    ),
    {
      name: 'not-to-unresolvable',
      comment: 'Every import must exist.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'no-dev-dependencies',
      comment: 'What runs in production must be installed in production.',
      severity: 'error',
      from: { path: '^(?:apps|libs|migrations)/', pathNot: '[.](?:spec|int-spec|e2e-spec)[.]ts$' },
      to: { dependencyTypes: ['npm-dev'], pathNot: 'node_modules/@types/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
