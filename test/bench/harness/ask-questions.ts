import { type Answers, type Question, type QuestionsJob } from '../load/questions.js';
import { runScript } from './run-script.js';

/**
 * What questions cost, asked one after the other. @returns figures by name: the median and the 99th percentile (ms)
 * @throws Error when one was not answered by 200
 */
export async function askQuestions(
  url: string,
  questions: readonly Question[],
  secondsEach: number,
): Promise<Record<string, number>> {
  const job: QuestionsJob = { url, questions, secondsEach };
  const answers = JSON.parse(await runScript('test/bench/load/questions.ts', job)) as Answers[];
  const refused = answers.filter(answer => Object.keys(answer.refused).length > 0);
  if (refused.length > 0) {
    throw new Error(
      `Not answered: ${refused.map(({ name, refused: by }) => `${name} ${JSON.stringify(by)}`).join(', ')}`,
    );
  }
  return Object.fromEntries(
    answers.flatMap(({ name, p50, p99 }) => [
      [`${name} p50 ms`, p50],
      [`${name} p99 ms`, p99],
    ]),
  );
}
