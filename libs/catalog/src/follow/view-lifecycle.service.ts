import { type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { type NotificationListener } from '@coordination/database';
import { type CatalogFollower } from './catalog-follower.js';

/** What begins and ends with the application. */
export interface ViewParts {
  readonly follower: CatalogFollower;
  readonly listener: NotificationListener;
}

/**
 * Has the view follow the log while the application runs. Nothing waits for its first load: the service listens, and
 * says that it is starting. It ends after the last request has been answered, since writes wait for the view.
 */
export class ViewLifecycle implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(private readonly parts: ViewParts) {}

  onApplicationBootstrap(): void {
    const { follower, listener } = this.parts;
    follower.start();
    listener.start();
  }

  async onApplicationShutdown(): Promise<void> {
    const { follower, listener } = this.parts;
    await Promise.all([follower.stop(), listener.stop()]);
  }
}
