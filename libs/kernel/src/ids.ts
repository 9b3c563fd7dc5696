import { v7 } from 'uuid';

/** A new UUIDv7 (RFC 9562): unique without coordination, and made by the service so that no database function is needed. */
export const newId = (): string => v7();
