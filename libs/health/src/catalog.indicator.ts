import { Injectable } from '@nestjs/common';
import { HealthIndicatorService } from '@nestjs/terminus';
import { CatalogFreshness, LogRoomLeft } from './health-sources.js';

const MILLISECONDS = 1000;

/** The view of this node, from which it responds if it is loaded and no staler than allowed, and the log that it follows. */
@Injectable()
export class CatalogIndicator {
  constructor(
    private readonly health: HealthIndicatorService,
    private readonly view: CatalogFreshness,
    private readonly log: LogRoomLeft,
  ) {}

  /** Up while the node may respond from the view, even if the database is unavailable. */
  readable() {
    const { loaded, revision, epoch, stalenessSeconds, limitSeconds } = this.view.freshness();
    const indicator = this.health.check('view');
    if (!loaded) return indicator.down({ loaded, message: 'The catalog is not loaded yet.' });
    const details = {
      loaded,
      revision,
      epoch,
      stalenessSeconds: Math.round(stalenessSeconds * MILLISECONDS) / MILLISECONDS,
    };
    return stalenessSeconds <= limitSeconds
      ? indicator.up(details)
      : indicator.down({ ...details, limitSeconds, message: 'The view is older than allowed.' });
  }

  /** Up for ever after the catalog has been loaded for the first time. */
  loaded() {
    const indicator = this.health.check('view');
    const { loaded } = this.view.freshness();
    return loaded ? indicator.up() : indicator.down('The catalog is not loaded yet.');
  }

  /** Never down: while the log has room nothing is wrong, and without room reads still work. */
  room() {
    const indicator = this.health.check('log');
    const { revisions, isNearlyFull } = this.log;
    if (revisions === undefined) return indicator.up();
    return isNearlyFull
      ? indicator.degraded({
          roomRevisions: revisions,
          message: 'The newest partition of the log is nearly full, and there is no next one: writes will fail.',
        })
      : indicator.up({ roomRevisions: revisions });
  }
}
