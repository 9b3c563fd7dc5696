import { columnsOf } from '@coordination/database';
import { ServiceInstance } from './service-instance.entity.js';

/** The columns of instances, from which all statements on their table are made. */
export const INSTANCES = columnsOf(ServiceInstance);

/** The columns of an instance `i` as the properties of a {@link StoredRecord}. */
export const INSTANCE_COLUMNS = INSTANCES.select('i');
