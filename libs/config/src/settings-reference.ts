import { SETTINGS, type SettingEntry } from './settings.js';

/** docs/configuration.md. */
export function settingsReferenceMarkdown(): string {
  const rows = Object.entries<SettingEntry>(SETTINGS).map(
    ([name, { fallback, about }]) => `| \`${name}\` | ${described(fallback)} | ${about.replaceAll('|', '\\|')} |`,
  );
  return [
    '# Configuration\n',
    '<!-- Generated from libs/config/src/settings.ts by `npm run docs:generate`. -->\n',
    'The service is configured by environment variables. They are checked at start: a bad value, or an unknown name that',
    'begins with `PCS_`, stops the start with one line that names it. Variables of others are left alone. An empty value',
    'counts as absent.\n',
    '| variable | default | meaning |',
    '|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

const described = (fallback: string | null): string =>
  fallback === null ? 'absent' : fallback === '' ? 'empty' : `\`${fallback}\``;
