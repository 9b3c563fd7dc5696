import { CatalogHeadRepository, EpochLogRepository, hasMoved } from '@coordination/log';
import { Databases, query, readSnapshot } from '@coordination/database';
import { Clock } from '@coordination/kernel';
import { Injectable, Optional } from '@nestjs/common';
import { INSTANCE_COLUMNS } from '../tables/instance-columns.js';
import { type InstanceRecord } from '../model/instance.js';
import { type NamespaceFloor } from '../tables/namespace-floor.entity.js';
import { normalizeRecord } from '../tables/normalize-record.js';
import { type ServiceTouch } from '../model/service-touch.js';
import { CatalogState } from '../view/catalog-state.js';
import { type CatalogSnapshot } from '../view/catalog-view.js';

/** Rows per statement: parsing that many blocks the event loop for some 20 to 50 ms. */
const DEFAULT_CHUNK = 1_000;

/** How long one statement of the load may take (ms). */
const LOAD_TIMEOUT_MS = 10_000;

const BEFORE_ALL_IDS = '00000000-0000-0000-0000-000000000000';

const READ_INSTANCES = `
  select ${INSTANCE_COLUMNS} from service_instance i where i.id > $1::uuid order by i.id limit $2`;

/** In the order of age that `EmptyServices` keeps: sorting a million of them here would block the event loop. */
const SERVICES_BY_AGE = `
  declare services_by_age no scroll cursor for
  select namespace, service, revision::float8 as revision from service_revision
  order by service_revision.revision, (namespace || '/' || service) collate "C"`;

const READ_FLOORS = `
  select namespace, revision::float8 as revision from namespace_floor
  where namespace > $1 order by namespace limit $2`;

/** Reads the whole catalog as of one revision. */
@Injectable()
export class CatalogLoader {
  constructor(
    private readonly databases: Databases,
    private readonly heads: CatalogHeadRepository,
    private readonly epochs: EpochLogRepository,
    private readonly clock: Clock,
    @Optional() private readonly chunk = DEFAULT_CHUNK,
  ) {}

  /**
   * The catalog in one snapshot of the database, read in chunks, so that neither the event loop nor the memory has to handle
   * all rows at once.
   * @param progress is called after each chunk
   * @throws StoreUnavailableError when the database cannot be read
   */
  async load(progress: () => void = () => undefined): Promise<CatalogSnapshot> {
    const sentAtMs = this.clock.monotonicMs();
    const options = { purpose: 'view', timeoutMs: LOAD_TIMEOUT_MS } as const;
    return await readSnapshot(
      this.databases,
      async (em, heard) => {
        const { written, server, ...head } = await this.heads.readWithServer(em);
        const gaps = await this.epochs.gaps(em);
        const state = new CatalogState();
        let lastId = BEFORE_ALL_IDS;
        for (let more = true; more;) {
          const rows = await query<InstanceRecord>(em, READ_INSTANCES, [lastId, this.chunk]);
          heard();
          progress();
          for (const row of rows) state.put(normalizeRecord(row));
          lastId = rows.at(-1)?.id ?? lastId;
          more = rows.length === this.chunk;
        }
        await query(em, SERVICES_BY_AGE);
        for (let more = true; more;) {
          const rows = await query<ServiceTouch>(em, `fetch ${this.chunk} from services_by_age`);
          heard();
          progress();
          for (const { namespace, service, revision } of rows) state.touch(namespace, service, revision);
          more = rows.length === this.chunk;
        }
        let lastFloor = '';
        for (let more = true; more;) {
          const rows = await query<NamespaceFloor>(em, READ_FLOORS, [lastFloor, this.chunk]);
          heard();
          for (const row of rows) state.raiseFloor(row);
          lastFloor = rows.at(-1)?.namespace ?? lastFloor;
          more = rows.length === this.chunk;
        }
        return { head, state, sentAtMs, gaps, hasMoved: hasMoved({ written, server }) };
      },
      options,
    );
  }
}
