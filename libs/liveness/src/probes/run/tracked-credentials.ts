import { type Socket } from 'node:net';
import { ChannelCredentials } from '@grpc/grpc-js';

type Connecting = Parameters<ChannelCredentials['_createSecureConnector']>;

/**
 * Credentials that track the sockets of their channel. When the server accepts the connection and then does not respond, closing
 * the channel leaves its socket open for ever, and gRPC has no time limit for that. So the sockets are destroyed from here.
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
