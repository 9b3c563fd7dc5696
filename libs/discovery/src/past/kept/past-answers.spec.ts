import { runInRequest } from '@coordination/context';
import { SharedBody } from '@coordination/http';
import { Metrics } from '@coordination/observability';
import { Scheduler } from '@coordination/scheduling';
import { describe, expect, it } from 'vitest';
import { type Piece } from '../../responses/pieces.js';
import { PastAnswers } from './past-answers.js';

const KIB = 1024;

const answersOf = (maxBytes = 1_000 * KIB) => new PastAnswers(new Scheduler(), new Metrics(), maxBytes);

describe('Answers about the past', () => {
  it('are made once for all who ask while they are made, and afterwards', async () => {
    const answers = answersOf();
    let made = 0;
    const make = () => Promise.resolve({ body: `made ${(made += 1)}` });
    const bodies = await Promise.all(Array.from({ length: 20 }, () => answers.find('a', make)));
    expect(new Set(bodies.map(({ body }) => body))).toEqual(new Set(['made 1']));
    expect((await answers.find('a', make)).body).toBe('made 1');
    expect((await answers.find('b', make)).body, 'another question has another answer').toBe('made 2');
  });

  it('that could not be made fail for those who waited, and are made again for the next', async () => {
    const answers = answersOf();
    const failure = new Error('the database is away');
    const fail = () => Promise.reject(failure);
    const results = await Promise.allSettled([answers.find('a', fail), answers.find('a', fail)]);
    expect(results).toEqual([failure, failure].map(reason => ({ status: 'rejected', reason })));
    expect((await answers.find('a', () => Promise.resolve({ body: 'made' }))).body).toBe('made');
  });

  it('beyond the bound are sent, and made again', async () => {
    const answers = answersOf(10 * KIB);
    let made = 0;
    const make = () => Promise.resolve({ body: 'x'.repeat(11 * KIB), made: (made += 1) });
    for (let n = 0; n < 2; n++) expect(String((await answers.find('a', make)).body)).toHaveLength(11 * KIB);
    expect(made).toBe(2);
  });

  it('give the pieces of the last version of a list to the next one, and to no other list', async () => {
    const answers = answersOf();
    const seen: (readonly Piece<object>[])[] = [];
    const version = (text: string) => {
      const pieces: readonly Piece<object>[] = [{ items: [{}], bytes: SharedBody.bytesOf(text.repeat(20 * KIB)) }];
      return (_: unknown, earlier: readonly Piece<object>[]) => {
        seen.push(earlier);
        return Promise.resolve({ body: new SharedBody(pieces.map(({ bytes }) => bytes)), pieces });
      };
    };
    await answers.find('1', version('a'), 'list');
    await answers.find('2', version('b'), 'list');
    await answers.find('3', version('c'), 'list');
    await answers.find('4', version('d'), 'other');
    expect(seen.map(([piece]) => piece?.bytes.subarray(0, 1).toString())).toEqual([undefined, 'a', 'b', undefined]);
  });

  it('are made in turns of the clients that ask, however many questions one of them has', async () => {
    const clock = { ms: 0, monotonicMs: () => clock.ms, now: () => new Date(clock.ms) };
    const answers = new PastAnswers(new Scheduler(clock), new Metrics(), 0);
    const done: string[] = [];
    const askFor = (clientAddress: string, key: string) =>
      runInRequest({ requestId: 'r', clientAddress, actor: 'a', source: 'api', reason: null }, () =>
        answers.find(key, async turn => {
          for (let n = 0; n < 4; n++) {
            await turn.next();
            clock.ms += 4;
            done.push(clientAddress);
          }
          return { body: key };
        }),
      );
    const many = Array.from({ length: 5 }, (_, n) => askFor('many', `many ${n}`));
    await Promise.all([...many, askFor('one', 'one')]);
    const last = done.lastIndexOf('one');
    expect(done.slice(0, last + 1).filter(client => client === 'many').length).toBeLessThanOrEqual(4 + 5);
  });
});
