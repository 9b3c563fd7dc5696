import { SETTINGS, type SettingEntry } from './settings.js';

/** docs/configuration.md. */
export function settingsReferenceMarkdown(): string {
  const rows = Object.entries<SettingEntry>(SETTINGS).map(
    ([name, { fallback, about }]) => `| \`${name}\` | ${described(fallback)} | ${about.replaceAll('|', '\\|')} |`,
  );
  return [
    '# Configuration\n',
    '<!-- Generated from libs/config/src/settings.ts by `npm run docs:generate`. -->\n',
    'The service is configured by environment variables. They are checked at start: a bad value, an unknown name that',
    'begins with `PCS_`, or a name that is a letter or two away from a setting that begins with `DATABASE_`, stops the start',
    'with one line that names it, and the setting that was most likely meant. Variables of others are left alone; those that',
    'begin with `DATABASE_`, such as the service links of Kubernetes, are named once at start. An empty value counts as absent.\n',
    '| variable | default | meaning |',
    '|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

const described = (fallback: string | null): string =>
  fallback === null ? 'absent' : fallback === '' ? 'empty' : `\`${fallback}\``;
