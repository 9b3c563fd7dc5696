export { SETTINGS } from './settings.js';
