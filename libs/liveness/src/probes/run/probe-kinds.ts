import { type ProbedCheck } from '@coordination/catalog';
import { GrpcProbe } from './grpc-probe.js';
import { HttpProbe } from './http-probe.js';
import { type ProbeKind } from './probe-kind.js';
import { TcpProbe } from './tcp-probe.js';

type Kind = ProbedCheck['kind'];

/** The class that probes by each kind of check. A new kind needs a class and a line here; the type demands the line. */
const KINDS: { readonly [K in Kind]: ProbeKind<Extract<ProbedCheck, { kind: K }>> } = {
  http: new HttpProbe(),
  tcp: new TcpProbe(),
  grpc: new GrpcProbe(),
};

/** The prober of a kind. The caller gives it a check of that kind. */
export const proberOf = (kind: Kind): ProbeKind<ProbedCheck> => KINDS[kind];
