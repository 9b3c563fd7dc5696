import { type InstanceRecord } from './instance.js';

/** A pure test of an instance. */
export type InstanceTest = (instance: InstanceRecord) => boolean;
