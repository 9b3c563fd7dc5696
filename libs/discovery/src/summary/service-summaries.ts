import { SortedValues } from '@coordination/kernel';
import { type CatalogView, type ServiceEntry } from '@coordination/catalog';
import { type Turn } from '@coordination/scheduling';
import { ServiceSummarizer, summarize } from './service-summary.js';

/** The JSON of a service in the list of services. */
export interface SummaryJson {
  readonly service: string;
  readonly revision: number;
  readonly json: string;
}

/** How many instances are summarized in one go. */
const AT_ONCE = 500;

/** How often summaries are made in slices, while services change meanwhile, before the rest is made in one go. */
const MAX_ROUNDS = 3;

/** The summaries of services as the view has them, of which only its own changes invalidate each. */
export class ServiceSummaries {
  private readonly summaries = new WeakMap<ServiceEntry, SummaryJson>();
  private readonly sorted = new SortedValues();

  constructor(private readonly view: CatalogView) {}

  /** Those of a namespace now, by name. */
  now(namespace: string): readonly SummaryJson[] {
    return this.entriesOf(namespace).map(entry => this.known(entry) ?? this.keep(entry, entry.revision, jsonOf(entry)));
  }

  /**
   * Those of a namespace, of which the ones that have changed are made in slices.
   * @param fix is called in one go with taking the summaries
   */
  async inTurns(namespace: string, turn: Turn, fix: () => void): Promise<readonly SummaryJson[]> {
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const entries = this.entriesOf(namespace);
      const known = entries.map(entry => this.known(entry));
      const changed = entries.filter((_, n) => !known[n]);
      if (changed.reduce((sum, { instances }) => sum + instances.size, 0) <= AT_ONCE) {
        fix();
        return entries.map((entry, n) => known[n] ?? this.keep(entry, entry.revision, jsonOf(entry)));
      }
      for (const entry of changed) {
        if (turn.isOver) await turn.next();
        await this.make(entry, turn);
      }
    }
    fix();
    return this.now(namespace);
  }

  private entriesOf(namespace: string): readonly ServiceEntry[] {
    return this.sorted.of(this.view.services(namespace));
  }

  private known(entry: ServiceEntry): SummaryJson | undefined {
    const known = this.summaries.get(entry);
    return known?.revision === entry.revision ? known : undefined;
  }

  private keep(entry: ServiceEntry, revision: number, json: string): SummaryJson {
    const summary = { service: entry.service, revision, json };
    this.summaries.set(entry, summary);
    return summary;
  }

  private async make(entry: ServiceEntry, turn: Turn): Promise<void> {
    const { service, revision, instances } = entry;
    if (instances.size <= AT_ONCE) {
      this.keep(entry, revision, jsonOf(entry));
      return;
    }
    const summarizer = new ServiceSummarizer(service);
    // Instances come and go between the slices; the summary is then made again.
    const records = [...instances.values()];
    for (const record of records) {
      if (turn.isOver) await turn.next();
      summarizer.add(record);
    }
    this.keep(entry, revision, JSON.stringify(summarizer.summary()));
  }
}

const jsonOf = ({ service, instances }: ServiceEntry): string => JSON.stringify(summarize(service, instances.values()));
