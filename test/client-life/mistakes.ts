import { type components } from './api.js';
import { type Call } from './client.js';

type Schemas = components['schemas'];

/** What the compiler must refuse: each mark fails the compilation where there is nothing wrong below it. */
export const mistakes = (call: Call) => [
  // @ts-expect-error the host is missing
  call('post', '/api/v1/registry/instances', { body: { service: 'life', port: 80 } }),
  // @ts-expect-error a misspelt member
  call('post', '/api/v1/registry/instances', { body: { service: 'life', host: 'a', port: 80, wieght: 1 } }),
  // @ts-expect-error a word that is none of the set
  call('post', '/api/v1/registry/instances', { body: { service: 'life', host: 'a', port: 80, type: 'server' } }),
  // @ts-expect-error a body where there is none
  call('get', '/api/v1/liveness', { body: {} }),
  // @ts-expect-error no such path
  call('get', '/api/v1/alive', {}),
  // @ts-expect-error no such method of the path
  call('delete', '/api/v1/registry/instances/batch', {}),
  // @ts-expect-error a parameter that the operation does not have
  call('get', '/api/v1/liveness', { params: { query: { all: true } } }),
  // @ts-expect-error a text for a boolean
  call('delete', '/api/v1/registry/overrides', { params: { query: { all: 'true' } } }),
  // @ts-expect-error undefined is no value of an optional member
  call('post', '/api/v1/registry/instances', { body: { service: 'life', host: 'a', port: 80, zone: undefined } }),
  // @ts-expect-error an order needs its reason
  call('post', '/api/v1/liveness/guard', { body: { action: 'end', scope: 'all' } }),
];

// @ts-expect-error a member of another kind of check
export const check: Schemas['CheckInput'] = { kind: 'tcp', path: '/' };
// @ts-expect-error an id is in the path
export const read = (call: Call) => call('get', '/api/v1/registry/instances/{id}', {});
// @ts-expect-error only http has a path
export const pathOf = (check: Schemas['Check']): string => check.path;
// @ts-expect-error only a snapshot has instances
export const instancesOf = (event: Schemas['WatchEvent']): unknown => event.data.instances;
// @ts-expect-error it may be null
export const reasonOf = (instance: Schemas['Instance']): string | null => instance.override.reason;
// @ts-expect-error no such code
export const isGone = ({ code }: Schemas['Problem']): boolean => code === 'GONE';
