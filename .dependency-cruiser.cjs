/** The libraries from the ground up: each may import those on the floors below its own, and nothing beside it. */
const FLOORS = [
  ['kernel'],
  ['config', 'context'],
  ['observability'],
  ['scheduling'],
  ['http', 'database'],
  ['embedded-postgres', 'log', 'leadership'],
  ['catalog'],
  ['registry', 'discovery', 'audit'],
  ['liveness', 'health'],
];

const never = (name, from, to, comment) => ({
  name,
  comment,
  severity: 'error',
  from: { path: from },
  to: { path: to },
});

const alternatives = libraries => libraries.join('|');

/** No floor imports its own neighbours, nor anything above it. */
const onlyDownwards = FLOORS.map((floor, level) => {
  const above = FLOORS.slice(level).flat();
  return {
    name: `only-downwards-from-${floor.join('-')}`,
    comment: 'A library imports what lies on a lower floor: see "Libraries" in docs/architecture.md.',
    severity: 'error',
    from: { path: `^libs/(${alternatives(floor)})/` },
    to: { path: `^(?:apps/|libs/(?:${alternatives(above)})/)`, pathNot: '^libs/$1/' },
  };
});

/** A library may only be used through its index; tests, through its `testing.ts` as well. */
const throughTheDoor = {
  name: 'through-the-door',
  comment:
    'A library has one door, src/index.ts: what it does not export is private to it. config has a second one that loads no package, for the first step of main.ts.',
  severity: 'error',
  from: { path: '^(?:apps|libs|migrations)/([^/]+)/', pathNot: '[.](?:spec|int-spec|e2e-spec)[.]ts$' },
  to: { path: '^libs/([^/]+)/src/', pathNot: '^libs/(?:$1/|[^/]+/src/index[.]ts$|config/src/memory[.]ts$)' },
};

const testsThroughTheDoor = {
  ...throughTheDoor,
  name: 'tests-through-the-door',
  comment: 'Tests use src/index.ts and src/testing.ts of other libraries.',
  from: { path: '^(?:apps|libs|migrations)/([^/]+)/.*[.](?:spec|int-spec|e2e-spec)[.]ts$' },
  to: { path: '^libs/([^/]+)/src/', pathNot: '^libs/(?:$1/|[^/]+/src/(?:index|testing)[.]ts$)' },
};

module.exports = {
  forbidden: [
    throughTheDoor,
    testsThroughTheDoor,
    ...onlyDownwards,
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
      '^node_modules/(?:@nestjs|@mikro-orm|fastify)',
      'The kernel is plain TypeScript: no framework, no database.',
    ),
    never(
      'libraries-do-not-know-the-app',
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
