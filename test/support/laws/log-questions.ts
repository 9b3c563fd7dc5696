import {
  CatalogHeadRepository,
  ChainVerifier,
  EpochLogRepository,
  EventSearchRepository,
  LogCutRepository,
  type InstanceRef,
  type LogEvent,
  RevisionFinder,
  ServiceEventRepository,
} from '@coordination/log';
import { Metrics } from '@coordination/observability';
import { Scheduler } from '@coordination/scheduling';
import { AuditQuery } from '@coordination/audit';
import { EventExporter, EventPages, InstanceHistory, type InstanceVersion } from '@coordination/audit/testing';
import { type Databases, readSnapshot } from '@coordination/database';
import { type InstanceRecord } from '@coordination/catalog';
import * as fc from 'fast-check';
import {
  CatalogDiff,
  type CatalogSearch,
  ChangedInstances,
  DiffPages,
  EVERYTHING,
  LogSegmentReader,
  PastAnswers,
  SEARCH_ORDERS,
  SEARCH_SORTS,
} from '@coordination/discovery/testing';
import { type Selection, USABLE } from '@coordination/discovery';
import { pastOf } from '../catalog/past-of.js';
import { someExpression } from './arbitrary-expressions.js';

/** A question about a moment, or about what came after it, and what was answered: something that compares. */
export interface LogQuestion {
  readonly kind: string;
  /** It needs everything after this revision, and the state of the catalog at it. */
  readonly revision: number;
  ask(): Promise<unknown>;
}

const someSelection: fc.Arbitrary<Selection> = fc.record({
  statuses: fc.constantFrom<Selection['statuses']>('any', 'any', USABLE, ['unhealthy', 'unknown']),
  where: fc.option(someExpression, { freq: 2 }),
});

const someAsked = fc.record({
  kind: fc.constantFrom(
    'instances',
    'services',
    'search',
    'diff',
    'time',
    'verify',
    'list',
    'export',
    'resume',
    'epoch',
  ),
  revision: fc.nat(),
  later: fc.nat(),
  namespace: fc.constantFrom('default', 'shop', 'nowhere'),
  service: fc.constantFrom('orders', 'billing', 'm-0', 'm-1', 'm', 'never'),
  selection: someSelection,
  sort: fc.constantFrom(...SEARCH_SORTS),
  order: fc.constantFrom(...SEARCH_ORDERS),
  limit: fc.constantFrom(3, 50, 1_000),
  isWide: fc.boolean(),
});

type Asked = typeof someAsked extends fc.Arbitrary<infer T> ? T : never;

const RESUME_LIMIT = 40;

const unknown = () => false;

/** Everything that the log is asked for, on one database. */
export class ToldByTheLog {
  private readonly heads = new CatalogHeadRepository();
  private readonly log = new ServiceEventRepository();
  private readonly search = new EventSearchRepository();
  private readonly finder: RevisionFinder;
  private readonly audit: AuditQuery;

  constructor(
    private readonly databases: Databases,
    /** The log as it was written. */
    private readonly events: readonly LogEvent[],
  ) {
    this.finder = new RevisionFinder(databases, this.heads);
    this.audit = new AuditQuery(databases, this.search, this.heads);
  }

  private get last(): number {
    return this.events.at(-1)!.revision;
  }

  /** Random questions about random revisions. */
  questions(count: number, seed: number): LogQuestion[] {
    const revisions = [0, ...this.events.map(event => event.revision)];
    const pick = (n: number) => revisions[n % revisions.length]!;
    return fc.sample(someAsked, { numRuns: count, seed }).map(asked => {
      const [revision, to] = [pick(asked.revision), pick(asked.later)].sort((a, b) => a - b);
      return { kind: asked.kind, revision: revision!, ask: () => this.answer(asked, revision!, to!) };
    });
  }

  /** The versions of an instance, or of all that had a name, after a revision. */
  async history(past: InstanceRef, after: number): Promise<InstanceVersion[]> {
    const whole = { order: 'asc', limit: 1_000, cursor: undefined } as const;
    const pages = new EventPages(this.audit, new Scheduler(), new Metrics(), 0);
    const { body } = await new InstanceHistory(this.audit, pages).list({ ...past, ...whole });
    const { items } = JSON.parse(String(body)) as { items: InstanceVersion[] };
    return items.filter(({ revision }) => revision > after);
  }

  private async answer(asked: Asked, revision: number, to: number): Promise<unknown> {
    const { kind, namespace, service, selection, isWide } = asked;
    const past = pastOf(this.databases, this.finder);
    const asOf = { revision };
    if (kind === 'instances') {
      return textOf(await past.listInstances(asOf, { namespace, service }, selection, unknown));
    }
    if (kind === 'services')
      return textOf(await past.listServices(asOf, namespace, isWide ? EVERYTHING : selection, unknown));
    if (kind === 'search') return await this.walk(asked, revision);
    if (kind === 'diff') return await this.diff(asked, revision, to);
    if (kind === 'time') return await this.revisionAt(revision);
    if (kind === 'verify') return await this.verify(revision, to);
    if (kind === 'list') return await this.list(revision, to, asked);
    if (kind === 'export') return await this.export(revision, to, isWide ? undefined : namespace);
    if (kind === 'resume') return await this.resume(revision);
    return (await this.finder.find(asOf, 'asOf')).revision && (await this.epochStart(revision));
  }

  private async walk({ namespace, service, selection, sort, order, limit, isWide }: Asked, revision: number) {
    const past = pastOf(this.databases, this.finder);
    const search: CatalogSearch = {
      namespace: isWide ? null : namespace,
      service: isWide ? null : service,
      selection,
      sort,
      order,
      limit,
      cursor: undefined,
    };
    const items: InstanceRecord[] = [];
    let cursor: string | undefined;
    do {
      const { body } = await past.searchInstances({ revision }, { ...search, cursor }, unknown);
      const page = JSON.parse(String(body)) as { items: InstanceRecord[]; nextCursor: string | null };
      items.push(...page.items);
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    return items;
  }

  private async diff({ namespace, service, selection, isWide }: Asked, revision: number, to: number) {
    const diff = new CatalogDiff(
      this.finder,
      new DiffPages(new ChangedInstances(this.databases, new LogCutRepository(), isWide ? -1 : undefined)),
      new PastAnswers(new Scheduler(), new Metrics(), 0),
    );
    const scope = isWide ? { namespace: null, service: null } : { namespace, service };
    const moments = { from: { revision }, to: { revision: to } };
    return textOf(await diff.find({ ...moments, scope, selection, limit: 1_000, cursor: undefined }, unknown));
  }

  private async revisionAt(revision: number) {
    const at = this.events.find(event => event.revision === revision)?.at ?? '2000-01-01T00:00:00.000Z';
    return (await this.finder.find({ time: at }, 'asOf')).revision;
  }

  private async verify(revision: number, to: number) {
    if (revision === this.last) return 'nothing came after it';
    const verifier = new ChainVerifier(this.databases, this.search, this.log, this.heads, new LogCutRepository(), 20);
    const range = { from: revision + 1, to: Math.max(to, revision + 1) };
    const { valid, checked, firstBroken } = await verifier.verify(range, new Scheduler().begin({ workClass: 'long' }));
    return { valid, checked, firstBroken };
  }

  private async list(afterRevision: number, to: number, { order, limit, service, isWide }: Asked) {
    const filter = { afterRevision, beforeRevision: to + 1, ...(!isWide && { service }) };
    const items: LogEvent[] = [];
    let cursor: string | undefined;
    do {
      const page = await this.audit.list({ filter, order, limit, cursor });
      items.push(...page.items);
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    return items;
  }

  private async export(afterRevision: number, to: number, namespace: string | undefined) {
    const exporter = new EventExporter(this.databases, this.search, this.heads, new LogCutRepository(), 20);
    const filter = { afterRevision, beforeRevision: to + 1, namespace };
    const { stream } = await exporter.begin(filter, 'asc', 'ndjson', new Scheduler().begin({ workClass: 'long' }));
    return (await stream.toArray()).join('');
  }

  /** What a watcher reads on with, and from where on. */
  private async resume(revision: number) {
    const segment = await new LogSegmentReader(this.databases, this.heads, this.log).read(revision, RESUME_LIMIT);
    // The log goes on by what is told of cuts.
    return { ...segment, upTo: Math.min(segment.upTo, this.last) };
  }

  private async epochStart(revision: number) {
    return await readSnapshot(this.databases, em => new EpochLogRepository().lastStart(em, revision));
  }
}

const textOf = ({ body }: { readonly body: unknown }): string => String(body);
