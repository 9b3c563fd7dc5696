import { SETTINGS, type SettingEntry } from './settings.js';

/** The text of docs/configuration.md. */
export function settingsReferenceMarkdown(): string {
  const rows = Object.entries<SettingEntry>(SETTINGS).map(
    ([name, { schema, fallback, about }]) =>
      `| \`${name}\` | ${described(fallback)} | ${cell(schema.description ?? '')} | ${cell(about)} |`,
  );
  return [
    '# Configuration\n',
    '<!-- Generated from libs/config/src/settings.ts by `npm run docs:generate`. -->\n',
    'The service is configured by environment variables. They are checked at start: a bad value, an unknown name that',
    'begins with `PCS_`, or a name that is a letter or two away from a setting that begins with `DATABASE_`, stops the start',
    'with one line that names it, and the most similar setting. Other variables are ignored; those that',
    'begin with `DATABASE_`, such as the service links of Kubernetes, are named once at start.\n',
    'Words may be in any case (`LOG_LEVEL=INFO`, `PCS_SELF_REGISTRATION=False`). Spaces and line ends around a value are ignored,',
    'and an empty value counts as absent. Quotation marks around a value would be part of it, so they are refused: a shell and the',
    '`.env` file of Docker Compose remove them, `docker run --env-file` does not.\n',
    '| variable | default | takes | meaning |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

const cell = (text: string): string => text.replaceAll('|', '\\|');

const described = (fallback: string | null): string =>
  fallback === null ? 'absent' : fallback === '' ? 'empty' : `\`${fallback}\``;
