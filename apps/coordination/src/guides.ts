import { findPackageJSON } from 'node:module';
import { dirname, join } from 'node:path';
import { type GuideOptions } from '@coordination/http';

/** docs/ of the checkout or image that runs, and what its pages list first. */
export const GUIDES: GuideOptions = {
  directory: join(dirname(findPackageJSON(import.meta.url) ?? ''), 'docs'),
  main: [
    { name: 'clients', about: 'A client, from registration to shutdown' },
    { name: 'api', about: 'Guide to the API' },
    { name: 'discovery', about: 'Finding, watching and choosing instances' },
    { name: 'liveness', about: 'States and timers, the guard, what happens in each failure' },
    { name: 'probes', about: 'How the service looks at instances by itself' },
    { name: 'audit', about: 'The log of all changes, and how to verify it without this service' },
    { name: 'errors', about: 'Every error code, with what to do' },
    { name: 'operations', about: 'Running the service' },
    { name: 'configuration', about: 'Every setting' },
    { name: 'kubernetes', about: 'Running it on Kubernetes' },
    { name: 'capacity', about: 'How many nodes, how much memory and disk' },
    { name: 'benchmarks', about: 'How fast it is, and how that is measured' },
    { name: 'architecture', about: 'How it is built' },
    { name: 'glossary', about: 'What the words mean' },
  ],
};
