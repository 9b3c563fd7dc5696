import { type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { type NotificationListener } from '@coordination/database';
import { type CatalogMirror, type CatalogMirrorSlot } from '../view/catalog-mirror.js';
import { type CatalogFollower } from './catalog-follower.js';

/** What begins and ends with the application. */
export interface ViewParts {
  readonly follower: CatalogFollower;
  readonly listener: NotificationListener;
  readonly slot: CatalogMirrorSlot;
  readonly mirror: CatalogMirror;
}

/**
 * Has the view follow the log while the application runs. Nothing waits for its first load: the service listens, and
 * says that it is starting. It ends after the last request has been answered, since writes wait for the view.
 */
export class ViewLifecycle implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(private readonly parts: ViewParts) {}

  onApplicationBootstrap(): void {
    const { follower, listener, slot, mirror } = this.parts;
    slot.attach(mirror);
    follower.start();
    listener.start();
  }

  async onApplicationShutdown(): Promise<void> {
    const { follower, listener, slot } = this.parts;
    slot.detach();
    await Promise.all([follower.stop(), listener.stop()]);
  }
}
