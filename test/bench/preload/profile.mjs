// Preloaded into a process of the bench that is profiled: takes CPU profiles when its parent asks for them (see profiling.ts).
import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import process from 'node:process';

/** How often (µs) the stack is sampled. */
const INTERVAL_MICROS = 500;

const session = new Session();
session.connect();

const answers = {
  async start() {
    await session.post('Profiler.enable');
    await session.post('Profiler.setSamplingInterval', { interval: INTERVAL_MICROS });
    await session.post('Profiler.start');
  },
  async end({ file }) {
    const { profile } = await session.post('Profiler.stop');
    writeFileSync(file, JSON.stringify(profile));
  },
};

process.on('message', message => {
  const answer = Object.hasOwn(answers, message?.profile) ? answers[message.profile] : undefined;
  answer?.(message).then(
    () => process.send({ profile: 'done' }),
    error => process.send({ profile: 'failed', reason: String(error) }),
  );
});
// The open channel must not keep the process alive.
process.channel?.unref();
