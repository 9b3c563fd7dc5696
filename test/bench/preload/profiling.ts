import { type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';

/** A process that preloads this module, and has a channel to this process, can be profiled. */
export const PROFILE_PRELOAD = resolve(import.meta.dirname, 'profile.mjs');

interface Answer {
  readonly profile: 'done' | 'failed';
  readonly reason?: string;
}

/** Starts a CPU profile of a process. @throws Error when it cannot, or ends */
export const startProfile = (child: ChildProcess): Promise<void> => ask(child, { profile: 'start' });

/**
 * Ends the CPU profile of a process.
 * @param file the absolute path to which the process writes the profile, as Chrome DevTools and editors read it (`.cpuprofile`)
 * @throws Error when it cannot, or ends
 */
export const endProfile = (child: ChildProcess, file: string): Promise<void> => ask(child, { profile: 'end', file });

async function ask(child: ChildProcess, question: object): Promise<void> {
  const over = new AbortController();
  const { signal } = over;
  try {
    const answered = once(child, 'message', { signal });
    const exited = once(child, 'exit', { signal });
    child.send(question);
    const [answer] = (await Promise.race([answered, exited])) as [Answer | number | null];
    if (answer === null || typeof answer === 'number') throw new Error('The process ended while it was profiled.');
    if (answer.profile !== 'done')
      throw new Error(`The process took no profile: ${answer.reason ?? 'for no known reason'}.`);
  } finally {
    over.abort();
  }
}
