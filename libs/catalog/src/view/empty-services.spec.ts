import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ServiceTouch } from '../model/service-touch.js';
import { EmptyServices } from './empty-services.js';

const touch = (service: string, revision: number, namespace = 'default'): ServiceTouch => ({
  namespace,
  service,
  revision,
});

const holding = (...touches: readonly ServiceTouch[]): EmptyServices => {
  const services = new EmptyServices();
  for (const each of touches) services.add(each);
  return services;
};

const namesOf = (touches: readonly ServiceTouch[]): string[] =>
  touches.map(({ namespace, service }) => `${namespace}/${service}`);

const before = (a: ServiceTouch, b: ServiceTouch): boolean =>
  a.revision < b.revision ||
  (a.revision === b.revision && `${a.namespace}/${a.service}` <= `${b.namespace}/${b.service}`);

describe('Services without instances', () => {
  it('are found oldest first, in whatever order they came', () => {
    const services = holding(touch('c', 3), touch('a', 9), touch('b', 1));
    expect(services.oldest(2)).toEqual([touch('b', 1), touch('c', 3)]);
    expect(services.oldest(9)).toEqual([touch('b', 1), touch('c', 3), touch('a', 9)]);
    expect(services.oldest(0)).toEqual([]);
  });

  it('are each there once, with their latest revision', () => {
    const services = holding(touch('a', 1), touch('b', 2));
    expect(services.add(touch('a', 3))).toBe(false);
    expect(services.add(touch('a', 2))).toBe(false);
    expect(services.size).toBe(2);
    expect(services.revisionOf('default', 'a')).toBe(3);
    expect(services.oldest(1)).toEqual([touch('b', 2)]);
    expect(services.delete('default', 'a')).toBe(true);
    expect(services.delete('default', 'a')).toBe(false);
    expect(services.revisionOf('default', 'a')).toBeUndefined();
    expect(services.add(touch('a', 4))).toBe(true);
  });

  it('of one revision, as an epoch leaves them, are taken in the order of their names', () => {
    const services = holding(touch('b', 1), touch('a', 2), touch('c', 3, 'another'));
    services.touchAll(10);
    services.add(touch('later', 11));
    expect(namesOf(services.takeUpTo(touch('a', 10)))).toEqual(['another/c', 'default/a']);
    expect(namesOf(services.oldest(9))).toEqual(['default/b', 'default/later']);
  });

  it('are removed up to one that is not there any more, or has changed since', () => {
    expect(namesOf(holding(touch('a', 1), touch('c', 3)).takeUpTo(touch('b', 2)))).toEqual(['default/a']);
    expect(namesOf(holding(touch('a', 1), touch('b', 3)).takeUpTo(touch('b', 2)))).toEqual(['default/a']);
    expect(holding(touch('b', 3)).takeUpTo(touch('b', 2))).toEqual([]);
  });

  it('are as a plain list would have them, whatever is done', () => {
    const some = fc.record({
      kind: fc.constantFrom('add', 'delete', 'touch-all', 'take'),
      namespace: fc.constantFrom('default', 'a-b', 'a'),
      service: fc.constantFrom('x', 'x.y', 'b', 'b-c'),
      revision: fc.integer({ min: 1, max: 20 }),
    });
    fc.assert(
      fc.property(fc.array(some, { maxLength: 40 }), steps => {
        const services = new EmptyServices();
        let plain: ServiceTouch[] = [];
        let newest = 0;
        for (const { kind, ...one } of steps) {
          const isSame = (it: ServiceTouch) => it.namespace === one.namespace && it.service === one.service;
          if (kind === 'add') {
            const known = plain.find(isSame);
            services.add(one);
            if (!known || known.revision < one.revision) plain = [...plain.filter(it => !isSame(it)), one];
          } else if (kind === 'delete') {
            expect(services.delete(one.namespace, one.service)).toBe(plain.some(isSame));
            plain = plain.filter(it => !isSame(it));
          } else if (kind === 'touch-all') {
            newest = 20 + newest + one.revision;
            services.touchAll(newest);
            plain = plain.map(it => ({ ...it, revision: newest }));
          } else {
            const taken = plain.filter(it => before(it, one));
            expect(services.takeUpTo(one)).toEqual(taken.sort((a, b) => (before(a, b) ? -1 : 1)));
            plain = plain.filter(it => !taken.includes(it));
          }
          expect(services.size).toBe(plain.length);
        }
        expect(services.oldest(3)).toEqual(plain.sort((a, b) => (before(a, b) ? -1 : 1)).slice(0, 3));
      }),
    );
  });
});
