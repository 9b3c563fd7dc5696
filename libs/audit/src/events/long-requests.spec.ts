import { EventEmitter } from 'node:events';
import { type ServerResponse } from 'node:http';
import { RateLimitedError, StoreUnavailableError } from '@coordination/kernel';
import { describe, expect, it } from 'vitest';
import { LongRequests } from './long-requests.js';

const aResponse = () => new EventEmitter() as ServerResponse;

describe('LongRequests', () => {
  it('refuses a request beyond its limit until another one has ended', () => {
    const requests = new LongRequests({ limit: 2 });
    const first = requests.begin(aResponse());
    requests.begin(aResponse());
    expect(() => requests.begin(aResponse())).toThrow(RateLimitedError);
    first.end();
    first.end();
    requests.begin(aResponse());
    expect(() => requests.begin(aResponse())).toThrow(RateLimitedError);
  });

  it('aborts a request when its client disconnects', () => {
    const response = aResponse();
    const { signal } = new LongRequests({ limit: 1 }).begin(response);
    expect(signal.aborted).toBe(false);
    response.emit('close');
    expect(signal.reason).toBeInstanceOf(StoreUnavailableError);
  });

  it('makes no error for a client that has disconnected: no one receives it', () => {
    const requests = new LongRequests({ limit: 2 });
    const responses = [aResponse(), aResponse()];
    const signals = responses.map(response => requests.begin(response).signal);
    for (const response of responses) response.emit('close');
    expect(signals[0]!.reason).toBe(signals[1]!.reason);
  });

  it('aborts a request whose client has disconnected before the request begins', () => {
    const { signal } = new LongRequests({ limit: 1 }).begin(Object.assign(aResponse(), { destroyed: true }));
    expect(signal.reason).toBeInstanceOf(StoreUnavailableError);
  });

  it('does not abort a request that has ended when its client disconnects', () => {
    const response = aResponse();
    const { signal, end } = new LongRequests({ limit: 1 }).begin(response);
    end();
    response.emit('close');
    expect(signal.aborted).toBe(false);
  });

  it('lets requests finish when the node ends', async () => {
    const requests = new LongRequests({ limit: 1, finishMs: 60_000 });
    await requests.beforeApplicationShutdown();
    const { signal, end } = requests.begin(aResponse());
    const shutdown = requests.beforeApplicationShutdown();
    end();
    await shutdown;
    expect(signal.aborted).toBe(false);
  });

  it('aborts requests that do not finish in time', async () => {
    const requests = new LongRequests({ limit: 1, finishMs: 0 });
    const { signal } = requests.begin(aResponse());
    await requests.beforeApplicationShutdown();
    expect(signal.reason).toBeInstanceOf(StoreUnavailableError);
  });
});
