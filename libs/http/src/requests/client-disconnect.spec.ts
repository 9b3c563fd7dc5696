import { EventEmitter } from 'node:events';
import { type ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { clientDisconnect, isDisconnect } from './client-disconnect.js';

const aResponse = (destroyed = false) => Object.assign(new EventEmitter(), { destroyed }) as unknown as ServerResponse;

describe('the signal of a disconnected client', () => {
  it('is aborted at the end of its connection, for one reason that all share: no error is made for each', () => {
    const responses = Array.from({ length: 3 }, () => aResponse());
    const signals = responses.map(clientDisconnect);
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, false, false]);
    for (const response of responses) response.emit('close');
    const late = clientDisconnect(aResponse(true));
    expect(new Set([...signals, late].map(({ reason }) => reason as unknown)).size).toBe(1);
    expect(isDisconnect(late.reason)).toBe(true);
  });
});
