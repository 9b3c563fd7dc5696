import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Databases } from '@coordination/database';
import { CatalogFollower } from './catalog-follower.js';
import { ChangeNotifications } from './change-notifications.js';

/**
 * Makes the view follow the log while the application runs. The start does not wait for the first load: the service accepts
 * requests, and answers that it is starting. The view stops after the last response, since writes wait for it.
 */
@Injectable()
export class ViewLifecycle implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(
    private readonly follower: CatalogFollower,
    private readonly notifications: ChangeNotifications,
    private readonly databases: Databases,
  ) {}

  onApplicationBootstrap(): void {
    this.follower.start();
    this.notifications.start();
  }

  async onApplicationShutdown(): Promise<void> {
    const stopped = Promise.all([this.follower.stop(), this.notifications.stop()]);
    // Ends the reads that are in progress, so that the shutdown does not wait for a server that does not answer.
    this.databases.sever('view');
    await stopped;
  }
}
