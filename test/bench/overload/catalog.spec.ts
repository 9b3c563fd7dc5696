import { describe, expect, it } from 'vitest';
import { CHANGED, eventsOf, overloadSteps } from './catalog.js';
import { LARGE_SERVICE, smallService } from './kinds.js';

const SIZES = { instances: 50, services: 20, large: 7, callers: [], seconds: 1, scenarios: [] };

const commands = [...overloadSteps(SIZES)].map(({ command }) => command);
const registered = commands.flatMap(command => (command.kind === 'register' ? [command.identity] : []));
const ofService = (service: string) => registered.filter(identity => identity.service === service);

describe('the catalog of the overload', () => {
  it('has as many events as it says, so that their times are spread over the log as they should', () => {
    expect(commands).toHaveLength(eventsOf(SIZES));
  });

  it('has all small services in one namespace, so that their list is long, and one large service on top', () => {
    const small = Array.from({ length: SIZES.services }, (_, n) => ofService(smallService(n)).length);
    expect(new Set(registered.map(({ namespace }) => namespace))).toEqual(new Set(['default']));
    expect(small.reduce((sum, size) => sum + size, 0)).toBe(SIZES.instances);
    expect(Math.max(...small) - Math.min(...small)).toBe(1);
    expect(ofService(LARGE_SERVICE)).toHaveLength(SIZES.large);
  });

  it('has no instance twice, but for the one that changes', () => {
    expect(new Set(registered.map(identity => JSON.stringify(identity))).size).toBe(registered.length);
    const replaced = commands.filter(({ kind }) => kind === 'replace');
    expect(ofService(CHANGED.service)).toHaveLength(1);
    expect(replaced.length).toBeGreaterThan(100);
  });
});
