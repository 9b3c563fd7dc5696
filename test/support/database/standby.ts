import { CatalogHeadRepository } from '@coordination/log';

/** Reads the head as a server tells it that is a standby, or was made one. */
export class HeadsOnStandby extends CatalogHeadRepository {
  override async find(...parameters: Parameters<CatalogHeadRepository['find']>) {
    const head = await super.find(...parameters);
    return head && { ...head, inRecovery: true };
  }
}
