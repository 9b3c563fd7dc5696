import * as crypto from 'node:crypto';
import { v7 } from 'uuid';

/** Node.js makes them ten times as fast, from version 24.16 on. */
const isNative = typeof (crypto as { randomUUIDv7?: unknown }).randomUUIDv7 === 'function';

/** A new UUIDv7 (RFC 9562): unique without coordination, and made by the service so that no database function is needed. */
export const newId: () => string = isNative ? () => crypto.randomUUIDv7() : () => v7();
