export { ConfigModule, SETTINGS_TOKEN } from './config.module.js';
export { settingsReferenceMarkdown } from './settings-reference.js';
export { readSettings, SETTINGS, SettingsError, type SettingEntry, type Settings } from './settings.js';
