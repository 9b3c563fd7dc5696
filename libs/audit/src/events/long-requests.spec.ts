import { EventEmitter } from 'node:events';
import { type ServerResponse } from 'node:http';
import { RateLimitedError, StoreUnavailableError } from '@coordination/kernel';
import { describe, expect, it } from 'vitest';
import { LongRequests } from './long-requests.js';

const aResponse = () => new EventEmitter() as ServerResponse;

describe('Long requests', () => {
  it('are few at once', () => {
    const requests = new LongRequests(2);
    const first = requests.begin(aResponse());
    requests.begin(aResponse());
    expect(() => requests.begin(aResponse())).toThrow(RateLimitedError);
    first.end();
    first.end();
    requests.begin(aResponse());
    expect(() => requests.begin(aResponse())).toThrow(RateLimitedError);
  });

  it('hear when their client is gone', () => {
    const response = aResponse();
    const { signal } = new LongRequests(1).begin(response);
    expect(signal.aborted).toBe(false);
    response.emit('close');
    expect(signal.reason).toBeInstanceOf(StoreUnavailableError);
  });

  it('hear nothing of a client that goes after they have ended', () => {
    const response = aResponse();
    const { signal, end } = new LongRequests(1).begin(response);
    end();
    response.emit('close');
    expect(signal.aborted).toBe(false);
  });

  it('may finish when the service ends', async () => {
    const requests = new LongRequests(1, 60_000);
    await requests.beforeApplicationShutdown();
    const { signal, end } = requests.begin(aResponse());
    const shutdown = requests.beforeApplicationShutdown();
    end();
    await shutdown;
    expect(signal.aborted).toBe(false);
  });

  it('are ended when they do not finish in time', async () => {
    const requests = new LongRequests(1, 0);
    const { signal } = requests.begin(aResponse());
    await requests.beforeApplicationShutdown();
    expect(signal.reason).toBeInstanceOf(StoreUnavailableError);
  });
});
