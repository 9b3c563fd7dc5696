/** Values of the examples in the OpenAPI document. */
export const EXAMPLE_HASH = '9f64a747e1b97f131fabb6b447296c9b6f0201e79fb3c5356e6c77e89b6a806a';
export const EXAMPLE_TIME = '2026-11-23T10:15:30.123Z';
const EXAMPLE_UUID = '019b0f1e-7a52-7c3d-9a64-2f1f0f5f3b21';

export const EXAMPLES = {
  head: { revision: 1841, hash: EXAMPLE_HASH, epoch: EXAMPLE_UUID, at: EXAMPLE_TIME },
  verdict: { valid: true, checked: 1841, head: { revision: 1841, hash: EXAMPLE_HASH }, firstBroken: null },
  event: {
    revision: 1,
    at: EXAMPLE_TIME,
    action: 'instance.registered',
    namespace: 'default',
    service: 'orders',
    instanceId: 'orders-1',
    instanceUuid: EXAMPLE_UUID,
    actor: 'anonymous',
    clientAddress: '10.0.3.17',
    requestId: '019b0f1e-7a50-7b11-8a64-2f1f0f5f3b21',
    source: 'api',
    reason: null,
    batchId: '019b0f1e-7a51-7c22-9a64-2f1f0f5f3b21',
    version: 1,
    before: null,
    after: { service: 'orders', instanceId: 'orders-1', host: '10.0.3.17', port: 8080 },
    hashVersion: 1,
    previousHash: '0'.repeat(64),
    hash: EXAMPLE_HASH,
  },
};
