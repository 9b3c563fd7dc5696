import { type Socket } from 'node:net';
import { ChannelCredentials } from '@grpc/grpc-js';

type Connecting = Parameters<ChannelCredentials['_createSecureConnector']>;

/**
 * Credentials that know the sockets of their channel. Closing a channel leaves its socket open for ever when the other
 * side took the connection and then said nothing, and gRPC has no time limit for that; so they are destroyed from here.
 */
export class TrackedCredentials extends ChannelCredentials {
  private readonly sockets = new Set<Socket>();

  constructor(private readonly inner: ChannelCredentials) {
    super();
  }

  override _isSecure(): boolean {
    return this.inner._isSecure();
  }

  override _equals(other: ChannelCredentials): boolean {
    return this === other;
  }

  override _createSecureConnector(...parameters: Connecting) {
    const connector = this.inner._createSecureConnector(...parameters);
    return {
      connect: async (socket: Socket) => {
        this.sockets.add(socket);
        return await connector.connect(socket);
      },
      waitForReady: () => connector.waitForReady(),
      getCallCredentials: () => connector.getCallCredentials(),
      destroy: () => connector.destroy(),
    };
  }

  destroySockets(): void {
    for (const socket of this.sockets) socket.destroy();
  }
}
