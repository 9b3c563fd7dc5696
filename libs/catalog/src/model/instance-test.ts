import { type InstanceRecord } from './instance.js';

/** Says something of an instance; pure. */
export type InstanceTest = (instance: InstanceRecord) => boolean;
