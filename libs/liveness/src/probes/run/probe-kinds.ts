import { type ProbedCheck } from '@coordination/catalog';
import { HttpProbe } from './http-probe.js';
import { type ProbeKind } from './probe-kind.js';
import { TcpProbe } from './tcp-probe.js';

type Kind = ProbedCheck['kind'];

const http = new HttpProbe();
const tcp = new TcpProbe();

/**
 * What probes by each kind of check. A new kind needs a class and a line here; the type demands the line. gRPC is loaded for the
 * first probe that needs it: few services have such checks, and it is a tenth of all modules.
 */
const KINDS: { readonly [K in Kind]: () => Promise<ProbeKind<Extract<ProbedCheck, { kind: K }>>> } = {
  http: () => Promise.resolve(http),
  tcp: () => Promise.resolve(tcp),
  grpc: async () => new (await import('./grpc-probe.js')).GrpcProbe(),
};

/** The prober of a kind. The caller gives it a check of that kind. */
export const proberOf = (kind: Kind): Promise<ProbeKind<ProbedCheck>> => KINDS[kind]();
