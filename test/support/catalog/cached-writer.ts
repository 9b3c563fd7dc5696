import { type WriteSettings } from '@coordination/registry/testing';
import { startReadingNode } from '../nodes/reading-node.js';
import { waitFor } from '../time/wait-for.js';
import { startWriter, type WritingNode } from './writer.js';

const POLL_MS = 500;

/** A writer with the catalog in memory, as a node of the service has it: it can decide without asking. */
export async function startSeeingWriter(url: string, options: Partial<WriteSettings> = {}): Promise<WritingNode> {
  const reader = await startReadingNode({ url, pollMs: POLL_MS, listens: true });
  const node = await startWriter(url, options);
  await waitFor('the catalog is loaded', () => reader.view.loaded);
  node.catalog.attach(reader.catalog);
  return {
    ...node,
    async close() {
      await node.close();
      await reader.stop();
    },
  };
}
