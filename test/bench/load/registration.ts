/** The path of the registry's instances. */
export const INSTANCES_PATH = '/api/v1/registry/instances';

/** A registration as services send it: with a version, a place, tags, capabilities and something of their own. */
export const registrationOf = (service: string, instanceId: string, n: number) => ({
  service,
  instanceId,
  host: `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`,
  port: 8080,
  zone: `eu-1${'abc'[n % 3]}`,
  metadata: {
    version: `2.${n % 7}.${n % 13}`,
    environment: 'prod',
    region: 'eu',
    tags: { team: `team-${n % 40}`, tier: n % 5 === 0 ? 'critical' : 'standard' },
    capabilities: ['refund', 'quote'],
    build: { commit: '9f1c2ab7', branch: 'main' },
  },
  check: { kind: 'heartbeat', ttlSeconds: 3_600 },
});
