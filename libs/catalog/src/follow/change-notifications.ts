import { type Settings } from '@coordination/config';
import { Databases, NotificationListener } from '@coordination/database';
import { CATALOG_CHANNEL } from '@coordination/log';
import { BackgroundTasks } from '@coordination/observability';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { CatalogFollower } from './catalog-follower.js';

/** How to connect for notifications. A separate URL is for deployments whose ordinary one leads to a pooler. */
export const notificationSettings = ({ DATABASE_LISTEN_URL, DATABASE_SSL }: Settings) => ({
  url: DATABASE_LISTEN_URL,
  ssl: DATABASE_SSL,
});

export type NotificationSettings = ReturnType<typeof notificationSettings>;

/** Passes notifications of commits to the follower. They only make it read sooner: what they miss, its polls find. */
@Injectable()
export class ChangeNotifications {
  private readonly logger = new Logger('View');
  private readonly listener: NotificationListener;

  constructor(
    follower: CatalogFollower,
    databases: Databases,
    tasks: BackgroundTasks,
    @Inject(notificationSettings) { url, ssl }: NotificationSettings,
  ) {
    this.listener = new NotificationListener({
      url: url ?? databases.url,
      ssl,
      refusesPooler: url === undefined,
      channel: CATALOG_CHANNEL,
      onNotification: payload => follower.notify(Number(payload)),
      onListening: () => follower.poll(),
      task: tasks.task('notification-listener'),
      stalls: databases.stalls,
      onPooler: reason => this.logger.warn(`Not notified of changes (${reason}); polling finds them instead.`),
    });
  }

  start(): void {
    this.listener.start();
  }

  async stop(): Promise<void> {
    await this.listener.stop();
  }
}
