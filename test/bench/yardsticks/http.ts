import { type LoadJob, type LoadRequest, type LoadResult } from '../load/load-job.js';
import { runLoad } from '../harness/run-load.js';
import { end, startScript } from '../harness/run-script.js';

type HttpLoad = Pick<LoadJob, 'connections' | 'seconds' | 'warmUpSeconds'>;

/** HTTP0: a bare Fastify server answers a constant buffer. @param bytes its size */
export const http0 = (load: HttpLoad, bytes: number): Promise<LoadResult> =>
  measure(load, bytes, { method: 'GET', path: '/constant' });

/** HTTP1: a bare Fastify server parses the same request body and answers a small object. */
export const http1 = (load: HttpLoad, { method, headers, body }: LoadRequest): Promise<LoadResult> =>
  measure(load, 0, { method, path: '/parsed', ...(headers && { headers }), ...(body !== undefined && { body }) });

async function measure(load: HttpLoad, bytes: number, request: LoadRequest): Promise<LoadResult> {
  const { child, line } = await startScript('test/bench/yardsticks/bare-server.ts', String(bytes));
  try {
    return await runLoad({ ...load, url: line, workload: { kind: 'same', request } });
  } finally {
    await end(child);
  }
}
