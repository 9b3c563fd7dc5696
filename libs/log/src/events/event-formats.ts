import { stringify } from 'csv-stringify/sync';
import { type LogEvent } from './log-event.js';

/** The file formats of an export. */
export const EXPORT_FORMATS = ['ndjson', 'csv'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

export const EXPORT_MEDIA_TYPES = {
  ndjson: 'application/x-ndjson; charset=utf-8',
  csv: 'text/csv; charset=utf-8; header=present',
} as const satisfies Record<ExportFormat, string>;

/** The columns of a CSV export, in their order. */
export const CSV_COLUMNS = [
  'revision',
  'at',
  'action',
  'namespace',
  'service',
  'instanceId',
  'instanceUuid',
  'actor',
  'clientAddress',
  'requestId',
  'source',
  'reason',
  'batchId',
  'version',
  'before',
  'after',
  'hashVersion',
  'previousHash',
  'hash',
] as const satisfies readonly (keyof LogEvent)[];

/** The text before the first event. */
export const headerOf = (format: ExportFormat): string => (format === 'csv' ? `${CSV_COLUMNS.join(',')}\r\n` : '');

/** Events as lines. */
export const linesOf = (format: ExportFormat, events: readonly LogEvent[]): string =>
  format === 'csv' ? csvLines(events) : events.map(event => `${JSON.stringify(event)}\n`).join('');

function csvLines(events: readonly LogEvent[]): string {
  // Spreadsheets evaluate cells that begin like a formula. A quote before them, which is no part of RFC 4180, prevents that.
  return stringify(events.map(cellsOf), { escape_formulas: true, record_delimiter: 'windows' });
}

const cellsOf = (event: LogEvent): unknown[] =>
  CSV_COLUMNS.map(column => {
    const value = event[column];
    return typeof value === 'object' && value !== null ? JSON.stringify(value) : value;
  });
