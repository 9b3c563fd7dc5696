import { type CatalogHeadRepository, EpochLogRepository, isElsewhere } from '@coordination/audit';
import { type Databases, query, read } from '@coordination/database';
import { type Clock } from '@coordination/kernel';
import { INSTANCE_COLUMNS, type InstanceRecord, normalizeRecord } from '@coordination/registry';
import { CatalogState } from './catalog-state.js';
import { type CatalogSnapshot } from './catalog-view.js';

/** Rows per statement: parsing that many takes some 20 to 50 ms, in which nothing else is done. */
const DEFAULT_CHUNK = 1_000;

/** How long one statement of the load may take (ms). */
const LOAD_TIMEOUT_MS = 10_000;

const BEFORE_ALL_IDS = '00000000-0000-0000-0000-000000000000';

const READ_INSTANCES = `
  select ${INSTANCE_COLUMNS} from service_instance i where i.id > $1::uuid order by i.id limit $2`;

const READ_SERVICES = `
  select namespace, service, revision::float8 as revision from service_revision
  where (namespace, service) > ($1, $2) order by namespace, service limit $3`;

interface ServiceRow {
  readonly namespace: string;
  readonly service: string;
  readonly revision: number;
}

/** Reads the whole catalog as of one revision. */
export class CatalogLoader {
  constructor(
    private readonly databases: Databases,
    private readonly heads: CatalogHeadRepository,
    private readonly clock: Clock,
    private readonly chunk = DEFAULT_CHUNK,
    private readonly epochs = new EpochLogRepository(),
  ) {}

  /**
   * The catalog in one snapshot of the database, read in chunks, so that neither the event loop nor the memory ever
   * has to deal with all rows at once.
   * @param progress is called after each chunk
   * @throws StoreUnavailableError when the database cannot be read
   */
  async load(progress: () => void = () => undefined): Promise<CatalogSnapshot> {
    const sentAtMs = this.clock.monotonicMs();
    const options = { purpose: 'view', timeoutMs: LOAD_TIMEOUT_MS } as const;
    return await read(
      this.databases,
      async (em, heard) => {
        const { written, server, ...head } = await this.heads.readPlaced(em);
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
        let last: ServiceRow = { namespace: '', service: '', revision: 0 };
        for (let more = true; more;) {
          const rows = await query<ServiceRow>(em, READ_SERVICES, [last.namespace, last.service, this.chunk]);
          heard();
          progress();
          for (const { namespace, service, revision } of rows) state.touch(namespace, service, revision);
          last = rows.at(-1) ?? last;
          more = rows.length === this.chunk;
        }
        return { head, state, sentAtMs, gaps, elsewhere: isElsewhere({ written, server }) };
      },
      options,
    );
  }
}
