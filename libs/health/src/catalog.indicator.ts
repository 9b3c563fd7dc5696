import { Injectable } from '@nestjs/common';
import { HealthIndicatorService } from '@nestjs/terminus';
import { CatalogFreshness } from './health-sources.js';

const MILLISECONDS = 1000;

/** Whether this node may respond from its view: it is loaded, and no staler than allowed. */
@Injectable()
export class CatalogIndicator {
  constructor(
    private readonly health: HealthIndicatorService,
    private readonly view: CatalogFreshness,
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
}
