import { type Turn } from '@coordination/scheduling';
import { type WriteResult } from '../requests/write-request.js';
import { toLeasedView } from './instance-response.js';

/** The JSON text of the response to a batch of registrations, each of up to 33 kB, made in slices. */
export async function batchResultJson({ revision, results }: WriteResult, turn: Turn): Promise<string> {
  const texts: string[] = [];
  for (const { outcome, leased } of results) {
    await turn.step();
    texts.push(JSON.stringify({ outcome, instance: leased && toLeasedView(leased) }));
  }
  return `{"revision":${revision},"results":[${texts.join(',')}]}`;
}
