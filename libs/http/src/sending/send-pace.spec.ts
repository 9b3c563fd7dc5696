import { Scheduler, type WorkOwner } from '@coordination/scheduling';
import { describe, expect, it } from 'vitest';
import { waitFor } from '../../../../test/support/time/wait-for.js';
import { SendPace } from './send-pace.js';

const OWNER: WorkOwner = { workClass: 'send', client: '192.0.2.1' };

function setUp() {
  const scheduler = new Scheduler();
  const written: string[] = [];
  const write = (name: string) => () => void written.push(name);
  return { scheduler, written, write, pace: new SendPace(scheduler, OWNER) };
}

describe('the pace of a response', () => {
  it('lets it write once in each step, and never in the call itself', async () => {
    const { scheduler, written, write, pace } = setUp();
    pace.next(write('a'));
    expect([written, scheduler.waiting('send')]).toEqual([[], 1]);
    await waitFor('it has written', () => written.length === 1);
    expect(scheduler.size, 'it asks for no further step by itself').toBe(0);
    pace.next(write('b'));
    expect(written).toEqual(['a']);
    await waitFor('it has written again', () => written.length === 2);
    await waitFor('both steps are charged', () => scheduler.use('send').pieces === 2);
  });

  it('ends with the connection: what waits runs now, and nothing is left in the scheduler', () => {
    const { scheduler, written, write, pace } = setUp();
    pace.next(write('begin'));
    pace.end();
    expect([written, scheduler.size]).toEqual([['begin'], 0]);
    pace.next(write('later'));
    expect([written, scheduler.size]).toEqual([['begin', 'later'], 0]);
    pace.end();
    expect(written, 'nothing runs twice').toEqual(['begin', 'later']);
  });
});
