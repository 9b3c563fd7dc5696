import { v7, validate } from 'uuid';

/** A new UUIDv7 (RFC 9562): unique without coordination, and made by the service so that no database function is needed. */
export const newId = (): string => v7();

/** Whether `text` is a UUID of any version, as PostgreSQL would take it. */
export const isUuid = (text: string): boolean => validate(text);
