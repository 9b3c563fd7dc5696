import { setTimeout as delay } from 'node:timers/promises';
import { ScriptProcess } from '../../harness/script-process.js';
import { type SocketsQuestion, type SocketsRead } from '../load/sockets-job.js';
import { answersText, countOf } from '../latencies.js';
import { type OverloadBench } from '../overload-bench.js';
import { type LaneResult } from '../report.js';
import { fast } from '../judge-cell.js';
import { targetOf } from '../verdict.js';
import { type Seen } from './scenario.js';

/** How many files and sockets the node may have open, and how many sockets do nothing. */
const DESCRIPTORS = 300;
const SOCKETS = 400;
const SOCKETS_AT_A_TIME = 20;

/** Half of the sockets has asked something once; the others have never sent a byte. */
const ASKING = 'GET /health/live HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n';

/** Few, so that what the idle sockets leave is enough for them. */
const RENEWING = 20;

const PAUSE_MS = 50;
const SECONDS = 8;
const P99_LIMIT_MS = 100;

/** How many lines about connections a bounded rate allows in this time. */
const LINES_MAX = 5;
const ABOUT_CONNECTIONS = /"msg":"[^"]*(connection|descriptor)/i;

/** Idle sockets beyond the limit of descriptors: the longest idle ones have to be closed for those that ask for something. */
export async function idleSockets(bench: OverloadBench): Promise<Seen> {
  return await bench.withNode({ descriptors: DESCRIPTORS, renewing: RENEWING }, async running => {
    const { node } = running;
    const linesBefore = node.lines.length;
    const sockets = ScriptProcess.start('test/bench/overload/load/sockets.ts');
    try {
      for (let opened = 0; opened < SOCKETS; opened += SOCKETS_AT_A_TIME) {
        const text = opened % (2 * SOCKETS_AT_A_TIME) === 0 ? ASKING : '';
        const question: SocketsQuestion = { ask: 'open', url: node.url, sockets: SOCKETS_AT_A_TIME, text };
        await sockets.ask<null>(question);
        await delay(PAUSE_MS);
      }
      await running.beginWindow();
      await delay(SECONDS * 1_000);
      const { lanes } = await running.endWindow();
      const { failed } = await sockets.ask<SocketsRead>({ ask: 'read' } satisfies SocketsQuestion);
      const lines = node.lines.slice(linesBefore).filter(line => ABOUT_CONNECTIONS.test(line)).length;
      return {
        figures: {
          'sockets refused': failed,
          'heartbeats answered 204, kept': done(lanes.kept),
          'heartbeats answered 204, new': done(lanes.new),
          'lines of the log': lines,
        },
        verdicts: [
          fast('heartbeats on kept connections', lanes.kept, P99_LIMIT_MS),
          fast('heartbeats on new connections', lanes.new, P99_LIMIT_MS),
          targetOf('heartbeats go on', isAllDone(lanes.kept), seenOf(lanes.kept)),
          targetOf('new callers are served', isAllDone(lanes.new), seenOf(lanes.new)),
          targetOf('the log says what is closed, at a bounded rate', lines > 0 && lines <= LINES_MAX, `${lines} lines`),
        ],
      };
    } finally {
      await sockets.stop();
    }
  });
}

const done = ({ answers }: LaneResult): number => countOf(answers, answer => answer === '204');
const isAllDone = (lane: LaneResult): boolean => lane.count > 0 && done(lane) === lane.count;
const seenOf = ({ answers }: LaneResult): string => answersText(answers) || 'none was sent';
