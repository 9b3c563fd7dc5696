import { type ChildProcess, spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { end, END_WITH_PARENT, LOADER, ROOT } from './run-script.js';

/** What a script is asked, by number, and what it answers. */
interface Envelope {
  readonly number: number;
  readonly body: unknown;
}

/** A TypeScript file of the repository in a process of its own, that is asked questions while it runs (see `serve-parent.ts`). */
export class ScriptProcess {
  private readonly waiting = new Map<number, PromiseWithResolvers<unknown>>();
  private number = 0;

  private constructor(
    private readonly child: ChildProcess,
    private readonly script: string,
  ) {
    child.on('message', message => {
      const { number, body } = message as Envelope;
      this.waiting.get(number)?.resolve(body);
      this.waiting.delete(number);
    });
    child.once('exit', (code, signal) => this.refuse(new Error(`${script} ended with ${signal ?? `code ${code}`}.`)));
    child.once('error', error => this.refuse(error));
  }

  static start(script: string): ScriptProcess {
    const args = [...END_WITH_PARENT, '--import', LOADER, resolve(ROOT, script)];
    const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    return new ScriptProcess(child, script);
  }

  /** @throws Error when the process ends before it answers */
  async ask<Answer>(body: unknown): Promise<Answer> {
    if (!this.child.connected) throw new Error(`${this.script} has ended.`);
    const number = ++this.number;
    const answer = Promise.withResolvers<unknown>();
    this.waiting.set(number, answer);
    this.child.send({ number, body } satisfies Envelope);
    return (await answer.promise) as Answer;
  }

  async stop(): Promise<void> {
    await end(this.child);
  }

  private refuse(error: Error): void {
    for (const { reject } of this.waiting.values()) reject(error);
    this.waiting.clear();
  }
}
