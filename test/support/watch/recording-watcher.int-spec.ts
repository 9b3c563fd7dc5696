import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import { type AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { Api } from '../http/api.js';
import { waitFor } from '../time/wait-for.js';
import { RecordingWatcher } from './recording-watcher.js';

const frame = (event: string, revision: number) =>
  `id: ${revision}\nevent: ${event}\ndata: ${JSON.stringify({ revision })}\n\n`;

/** A server that answers one connection after the other with what it was given. */
async function serve(...answers: readonly ((reply: ServerResponse) => void)[]) {
  const asked: (string | undefined)[] = [];
  const server = createServer((request: IncomingMessage, reply) => {
    const url = new URL(request.url ?? '', 'http://localhost');
    asked.push(url.searchParams.get('since') ?? (request.headers['last-event-id'] as string | undefined));
    const answer = answers[asked.length - 1];
    if (answer) answer(reply);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    asked,
    api: new Api(`http://127.0.0.1:${port}`),
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

let close: () => unknown = () => undefined;
afterEach(() => close());

async function watch(seed: number, ...answers: readonly ((reply: ServerResponse) => void)[]) {
  const server = await serve(...answers);
  const watcher = RecordingWatcher.start({ apis: [server.api], query: 'service=orders', seed });
  close = async () => {
    server.close();
    await watcher.stop().catch(() => undefined);
  };
  await waitFor('all answers were asked for', () => server.asked.length > answers.length);
  return { asked: server.asked, watcher };
}

const eventsOf = ({ connections }: RecordingWatcher) =>
  connections.map(({ resumedAfter, frames }) => [resumedAfter, ...frames.map(({ event, id }) => `${event} ${id}`)]);

describe('the watcher of the tests', () => {
  it.each([1, 2, 3])(
    'resumes after the last event that it had wholly, however it was cut off (seed %i)',
    async seed => {
      const { asked, watcher } = await watch(
        seed,
        reply => reply.end(frame('snapshot', 3) + frame('instance.updated', 4)),
        reply => {
          // The second one never comes whole.
          reply.write(`: comment\n\n${frame('removed', 7)}${frame('instance.updated', 8).slice(0, -1)}`, () =>
            reply.destroy(),
          );
        },
        reply => reply.writeHead(503).end(),
        reply => reply.end(frame('bookmark', 9)),
      );
      expect(asked).toEqual([undefined, '4', '7', '7', '9']);
      expect(eventsOf(watcher)).toEqual([
        [undefined, 'snapshot 3', 'instance.updated 4'],
        [4, 'removed 7'],
        [7],
        [7, 'bookmark 9'],
        [9],
      ]);
    },
  );

  it('begins anew after a reset', async () => {
    const { asked } = await watch(1, reply => reply.end(frame('snapshot', 3) + frame('reset', 3)));
    expect(asked).toEqual([undefined, undefined]);
  });

  it('fails when it is refused for good', async () => {
    const server = await serve(reply => reply.writeHead(400).end('{"code":"INVALID_FILTER"}'));
    close = () => server.close();
    const watcher = RecordingWatcher.start({ apis: [server.api], query: 'filter=(', seed: 1 });
    await expect(waitFor('it was told something', () => watcher.position >= 0)).rejects.toThrow('INVALID_FILTER');
    await expect(watcher.stop()).rejects.toThrow('INVALID_FILTER');
  });
});
