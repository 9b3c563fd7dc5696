export { ConfigModule, SETTINGS_TOKEN } from './config.module.js';
export { settingsReferenceMarkdown } from './settings-reference.js';
export {
  assertEmbeddedAllowed,
  readSettings,
  SETTINGS,
  SettingsError,
  type SettingEntry,
  type Settings,
} from './settings.js';
export { foreignVariablesOf, serverVariablesOf } from './environment.js';
