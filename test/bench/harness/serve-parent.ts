import process from 'node:process';

/**
 * Answers the questions of the process that started this one (see `script-process.ts`), and keeps this one running until its parent
 * ends it. A question that fails ends this process.
 */
export function serveParent(answer: (question: unknown) => Promise<unknown>): void {
  process.on('message', message => {
    const { number, body } = message as { readonly number: number; readonly body: unknown };
    answer(body).then(
      reply => process.send?.({ number, body: reply ?? null }),
      (error: unknown) => {
        process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
        process.exit(1);
      },
    );
  });
  process.channel?.ref();
}
