import { findPackageJSON } from 'node:module';
import { dirname, join } from 'node:path';
import { type GuideOptions } from '@coordination/http';

/** The directory docs/ of the running checkout or image, and the guides that its index lists first. */
export const GUIDES: GuideOptions = {
  directory: join(dirname(findPackageJSON(import.meta.url) ?? ''), 'docs'),
  main: [
    { name: 'clients', about: 'A client, from registration to shutdown' },
    { name: 'api', about: 'Guide to the API' },
    { name: 'discovery', about: 'Finding, watching and resolving instances' },
    { name: 'liveness', about: 'States, timers, the guard, and the behaviour in each failure' },
    { name: 'probes', about: 'How the service probes instances' },
    { name: 'audit', about: 'The log of all changes, and how to verify it offline' },
    { name: 'errors', about: 'Every error code, with its remedy' },
    { name: 'operations', about: 'Running the service' },
    { name: 'configuration', about: 'Every setting' },
    { name: 'kubernetes', about: 'Running it on Kubernetes' },
    { name: 'capacity', about: 'How many nodes, how much memory and disk' },
    { name: 'benchmarks', about: 'Performance, and how it is measured' },
    { name: 'architecture', about: 'Design of the service' },
    { name: 'glossary', about: 'Terms' },
  ],
};
