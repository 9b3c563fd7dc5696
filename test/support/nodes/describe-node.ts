import { type SpawnedNode } from './spawned-node.js';

/** How long (ms) a node that is asked how it is may take to say so. */
const ANSWERS_WITHIN_MS = 5_000;

const TELLING = /^pcs_(database_connections|view|watch|write_queue|lease_(renewals_waiting|sweeper))/;

const OUTPUT_TAIL = 2_000;

/** How a node is: whether it is ready, where its view is, its connections and queues, and what it printed last. */
export async function describeNode(name: string, { api, process }: SpawnedNode): Promise<string> {
  const ask = async (path: string) => {
    const response = await fetch(`${api.url}${path}`, { signal: AbortSignal.timeout(ANSWERS_WITHIN_MS) });
    return `${response.status} ${await response.text()}`;
  };
  const told = (path: string) => ask(path).catch((error: unknown) => `no answer (${String(error)})`);
  const [ready, metrics] = await Promise.all([told('/health/ready'), told('/metrics')]);
  const lines = metrics.split('\n').filter(line => TELLING.test(line));
  return [`${name}: ${ready}`, ...lines, 'its last words:', process.output.slice(-OUTPUT_TAIL)].join('\n');
}
