import { connect } from 'node:net';
import {
  ChannelCredentials,
  type ChannelOptions,
  type Client,
  makeClientConstructor,
  type ServiceError,
} from '@grpc/grpc-js';
import { service } from 'grpc-health-check';
import { type GrpcCheck } from '@coordination/catalog';
import { type Destination } from './destination.js';
import { isSecure } from './http-probe.js';
import { type Probe, type ProbeKind } from './probe-kind.js';
import { failed, MAX_OUTPUT, type ProbeOutcome, succeeded } from './probe-outcome.js';
import { whenConnected } from './when-connected.js';
import { TrackedCredentials } from './tracked-credentials.js';

/** The response of `grpc.health.v1.Health/Check`. */
interface HealthCheckResponse {
  readonly status: string;
}

type HealthClient = Client & {
  check(
    request: { readonly service: string },
    options: { readonly deadline: Date },
    callback: (error: ServiceError | null, response?: HealthCheckResponse) => void,
  ): { cancel(): void };
};

const HealthClient = makeClientConstructor(service, 'Health');

const MS = 1_000;

/** Probes by the health checking protocol of gRPC, on a connection of its own. */
export class GrpcProbe implements ProbeKind<GrpcCheck> {
  async probe({ destination, scheme, check, signal }: Probe<GrpcCheck>): Promise<ProbeOutcome> {
    const secure = isSecure(scheme);
    const credentials = new TrackedCredentials(
      secure
        ? ChannelCredentials.createSsl(null, null, null, { rejectUnauthorized: check.tlsVerify })
        : ChannelCredentials.createInsecure(),
    );
    const target = await targetOf(destination, signal);
    const client = new HealthClient(target, credentials, optionsFor(destination, secure)) as unknown as HealthClient;
    try {
      const { status } = await ask(client, check, signal);
      return status === 'SERVING' ? succeeded(status) : failed(status);
    } finally {
      client.close();
      credentials.destroySockets();
    }
  }
}

/**
 * The address that accepts a connection. It is determined first, because gRPC takes addresses of one family only, and tries
 * for minutes to connect to one that does not respond.
 */
async function targetOf({ addresses, host, port, lookup }: Destination, signal: AbortSignal): Promise<string> {
  const socket = connect({ host, port, lookup, autoSelectFamily: true, signal });
  const address = await whenConnected(socket, ({ remoteAddress }) => remoteAddress ?? addresses[0].address);
  return address.includes(':') ? `ipv6:[${address}]:${port}` : `ipv4:${address}:${port}`;
}

function optionsFor({ host, port }: Destination, secure: boolean): ChannelOptions {
  return {
    'grpc.default_authority': host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`,
    ...(secure && { 'grpc.ssl_target_name_override': host }),
    // Only the address that the policy allows is contacted: no proxy of the environment.
    'grpc.enable_http_proxy': 0,
    'grpc.enable_retries': 0,
    'grpc.enable_channelz': 0,
    'grpc.service_config_disable_resolution': 1,
    // The connection ends with the client.
    'grpc.use_local_subchannel_pool': 1,
    'grpc.max_receive_message_length': MAX_OUTPUT,
  };
}

async function ask(client: HealthClient, check: GrpcCheck, signal: AbortSignal): Promise<HealthCheckResponse> {
  return await new Promise((resolve, reject) => {
    // For the server. The signal ends the probe earlier, which a stall of this process may delay.
    const deadline = new Date(Date.now() + 2 * check.timeoutSeconds * MS);
    const call = client.check({ service: check.serviceName }, { deadline }, (error, response) => {
      if (error) reject(error);
      else resolve(response ?? { status: 'UNKNOWN' });
    });
    if (signal.aborted) call.cancel();
    signal.addEventListener('abort', () => call.cancel(), { once: true });
  });
}
