import { createRequire } from 'node:module';
import { type Settings } from '@coordination/config';
import { callerFields } from '@coordination/context';
import { type Logger, pino } from 'pino';
import { type PinoPretty } from 'pino-pretty';

/** Only loggers for people need it, so it is loaded when one is created. */
const loadPretty = (): typeof PinoPretty =>
  (createRequire(import.meta.url)('pino-pretty') as { PinoPretty: typeof PinoPretty }).PinoPretty;

/**
 * The logger of one process: JSON lines with ISO times, or coloured lines for people.
 * @param destination used instead of standard output
 */
export function createLogger(
  { LOG_LEVEL, LOG_FORMAT }: Pick<Settings, 'LOG_LEVEL' | 'LOG_FORMAT'>,
  destination?: NodeJS.WritableStream,
): Logger {
  const options = {
    level: LOG_LEVEL,
    base: null,
    mixin: callerFields,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  if (LOG_FORMAT === 'json') return destination ? pino(options, destination) : pino(options);
  const pretty = loadPretty()({ sync: true, singleLine: true, ...(destination && { destination }) });
  return pino(options, pretty);
}
