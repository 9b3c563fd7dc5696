import { promisify } from 'node:util';
import { constants, createGzip, gzip, type Gzip, type ZlibOptions } from 'node:zlib';

const CHUNK_BYTES = 64 * 1024;

/** More memory reduces the time by a third, for the same size (measured with a list of 3,000 instances). */
const OPTIONS: ZlibOptions = { memLevel: constants.Z_MAX_MEMLEVEL, chunkSize: CHUNK_BYTES };

const gzipAsync = promisify<string | Buffer, ZlibOptions, Buffer>(gzip);

/** Compresses a whole response outside the event loop. */
export const gzipped = (whole: string | Buffer): Promise<Buffer> => gzipAsync(whole, OPTIONS);

/**
 * Compresses a stream. Each chunk is flushed at once: a client that receives nothing for a while considers the connection
 * broken, and so do proxies.
 */
export const gzipStream = (): Gzip => createGzip({ ...OPTIONS, flush: constants.Z_SYNC_FLUSH });
