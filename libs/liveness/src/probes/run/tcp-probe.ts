import { connect } from 'node:net';
import { type TcpCheck } from '@coordination/catalog';
import { type Probe, type ProbeKind } from './probe-kind.js';
import { type ProbeOutcome, succeeded } from './probe-outcome.js';
import { whenConnected } from './when-connected.js';

/** Opens a connection, sends nothing, and closes it. */
export class TcpProbe implements ProbeKind<TcpCheck> {
  async probe({ destination: { host, port, lookup }, signal }: Probe<TcpCheck>): Promise<ProbeOutcome> {
    return await whenConnected(connect({ host, port, lookup, autoSelectFamily: true, signal }), ({ remoteAddress }) =>
      succeeded(`Connected to ${remoteAddress} port ${port}.`),
    );
  }
}
