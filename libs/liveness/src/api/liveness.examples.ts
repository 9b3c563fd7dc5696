import { EXAMPLE_INSTANCES } from '@coordination/catalog';

const AT = '2026-11-23T08:15:40.000Z';

const { service, namespace } = EXAMPLE_INSTANCES[0]!.identity;

export const GUARD_EXAMPLE = {
  active: true,
  scope: { kind: 'service', namespace, service },
  phase: 'holding',
  reason: 'service-share',
  detail: null,
  since: AT,
  until: '2026-11-23T08:25:40.000Z',
  wouldExpire: 14,
  of: 20,
  limit: 0.3,
};

export const LIVENESS_EXAMPLE = {
  at: AT,
  leases: { lasting: 812, endingSoon: 203, over: 14, lapsed: 3, endless: 20, soonSeconds: 10 },
  sweeper: {
    node: 'coordination-0/0193b3c8-7a10-7c3e-9f52-6a8d1e4b2f77',
    isThisNode: true,
    term: 3,
    until: '2026-11-23T08:15:42.500Z',
    lastSweepAt: '2026-11-23T08:15:39.600Z',
  },
  recoveringSince: '2026-11-21T11:02:10.004Z',
  stalls: [{ from: '2026-11-23T07:58:01.120Z', until: '2026-11-23T07:58:22.310Z', seconds: 20.1 }],
  guards: [GUARD_EXAMPLE],
  probes: {
    thisNode: {
      owned: 120,
      inFlight: 3,
      waiting: 0,
      lateSeconds: 0,
      overdue: 0,
      notCounted: [{ reason: 'dns', count: 2 }],
    },
    byNode: [{ nodeId: 'coordination-0:8081', owned: 120 }],
  },
  nodes: [
    {
      id: '0193b3c8-7a10-7c3e-9f52-6a8d1e4b2f70',
      instanceId: 'coordination-0:8081',
      host: '10.0.3.2',
      port: 8081,
      status: 'healthy',
    },
  ],
};

export const GUARD_COMMAND_EXAMPLE = {
  action: 'end',
  scope: { namespace, service },
  reason: 'they were scaled down on purpose',
};

export const GUARD_RESULT_EXAMPLE = {
  revision: 1852,
  action: 'end',
  scope: { kind: 'service', namespace, service },
  until: null,
  reason: GUARD_COMMAND_EXAMPLE.reason,
};
