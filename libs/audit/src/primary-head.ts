import { type Databases, orStoreUnavailable } from '@coordination/database';
import { StoreUnavailableError } from '@coordination/kernel';
import { type CatalogHeadRepository } from './catalog-head.repository.js';
import { type ReadHead } from './read-index.js';

/** How long (ms) the primary may take to say where the log ends. */
const ANSWER_LIMIT_MS = 3_000;

/**
 * Reads the head of the log from the primary, for the read index. It does not wait for ever, or one server that does
 * not answer would keep all who ask later waiting behind its query.
 */
export const primaryHead =
  (databases: Databases, heads: CatalogHeadRepository, limitMs = ANSWER_LIMIT_MS): ReadHead =>
  async () => {
    const timeUp = AbortSignal.timeout(limitMs);
    const late = new Promise<never>((_resolve, reject) => {
      timeUp.addEventListener('abort', () => reject(new StoreUnavailableError({ cause: timeUp.reason })));
    });
    const asked = orStoreUnavailable(() => heads.read(databases.em('writer')));
    // Whichever loses has nobody left to fail for.
    asked.catch(() => undefined);
    late.catch(() => undefined);
    const { inRecovery, ...head } = await Promise.race([asked, late]);
    // A standby, or a primary that was demoted, may lack what others were told is there.
    if (inRecovery) throw new StoreUnavailableError({ cause: new Error('The server is in recovery.') });
    return head;
  };
