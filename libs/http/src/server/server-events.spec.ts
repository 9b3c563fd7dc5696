import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '../../../../test/support/time/wait-for.js';
import { noteArrivals, routeEverything } from './server-events.js';

let arrivals = 0;
const server = createServer((_, response) => response.end());
routeEverything(server);
noteArrivals(server, { noteArrival: () => (arrivals += 1) });

beforeAll(async () => {
  await once(server.listen(0, '127.0.0.1'), 'listening');
});
afterAll(() => server.close());

const port = () => (server.address() as AddressInfo).port;

async function ask(headers: Record<string, string> = {}) {
  const asked = request({ port: port(), host: '127.0.0.1', method: 'POST', headers, agent: false });
  asked.end();
  const [response] = (await once(asked, 'response')) as [NodeJS.ReadableStream];
  response.resume();
  await once(response, 'end');
}

describe('arrivals', () => {
  it('are each connection and each request, also those that Node.js passes on as other events', async () => {
    await ask();
    expect(arrivals, 'a connection and a request').toBe(2);
    await ask({ expect: '100-continue' });
    expect(arrivals).toBe(4);
    await ask({ expect: 'the impossible' });
    expect(arrivals).toBe(6);
    const silent = connect(port(), '127.0.0.1');
    await waitFor('a connection without a request', () => arrivals === 7);
    silent.destroy();
  });
});
