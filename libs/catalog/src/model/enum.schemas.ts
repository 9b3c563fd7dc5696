import { z } from 'zod';
import {
  HEALTH_DECIDERS,
  HEALTH_STATES,
  INITIAL_STATES,
  INSTANCE_TYPES,
  OVERRIDE_SCOPES,
  OVERRIDE_STATUSES,
  SCHEMES,
  STATUSES,
} from './instance.js';

/** The enumerations of instances, each a component of the OpenAPI document, so that generated clients have one type for it. */
export const instanceTypeSchema = z.enum(INSTANCE_TYPES).meta({ id: 'InstanceType' });
export const schemeSchema = z.enum(SCHEMES).meta({ id: 'Scheme' });
export const statusSchema = z.enum(STATUSES).meta({ id: 'InstanceStatus' });
export const healthStateSchema = z.enum(HEALTH_STATES).meta({ id: 'HealthState' });
export const initialStateSchema = z.enum(INITIAL_STATES).meta({ id: 'InitialState' });
export const healthDeciderSchema = z.enum(HEALTH_DECIDERS).meta({ id: 'HealthDecider' });
export const overrideStatusSchema = z.enum(OVERRIDE_STATUSES).meta({ id: 'OverrideStatus' });
export const overrideScopeSchema = z.enum(OVERRIDE_SCOPES).meta({ id: 'OverrideScope' });
export const probeMethodSchema = z.enum(['GET', 'HEAD']).meta({ id: 'ProbeMethod' });
