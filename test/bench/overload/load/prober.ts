// Heartbeats and probes of readiness from outside, by a process of normal priority. Each is sent when it is due, whatever became of
// those before it.
import { Agent, type ClientRequest } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { serveParent } from '../../harness/serve-parent.js';
import { INSTANCES_PATH } from '../../load/registration.js';
import { laneResult, type Sample } from '../latencies.js';
import { type Lane, LANES, type ProbeWindow } from '../report.js';
import { call } from './call.js';
import { DYING_LEAD_MS, type ProberQuestion } from './prober-job.js';

/** How often (ms) each instance renews its lease, one that dies renews its short one, and readiness is asked for. */
const BEAT_EVERY_MS = 1_000;
const DYING_BEAT_EVERY_MS = 400;
const READY_EVERY_MS = 50;

/** How often (ms) the prober looks for what is due. */
const TICK_MS = 5;

/** When (ms) a request without an answer is given up: longer than any window, so that its age is that of the whole. */
const GIVEN_UP_MS = 60_000;

/** How many requests may wait at most: enough for all windows, and few enough for descriptors and memory. */
const WAITING_MAX = 8_000;

/** How long (ms) after a window the prober waits for answers at most. */
const CALM_PATIENCE_MS = 15_000;

interface Task {
  dueAt: number;
  readonly everyMs: number;
  readonly untilMs: number;
  readonly run: () => void;
}

/** Kept connections of those that ask for readiness, and beside one for each instance. */
const SPARE_CONNECTIONS = 8;

let keptAgent = new Agent({ keepAlive: true });
const readyAgent = new Agent({ keepAlive: true, maxSockets: SPARE_CONNECTIONS });
const newAgent = new Agent({ keepAlive: false, maxSockets: Infinity });
const samples = Object.fromEntries(LANES.map(lane => [lane, [] as Sample[]])) as Record<Lane, Sample[]>;
const inFlight = new Map<ClientRequest, number>();
let acknowledged: Record<string, number> = {};
let tasks: Task[] = [];
let url = new URL('http://127.0.0.1');
let window = { from: 0, ownDelay: 0 };
let lastTick = performance.now();

async function send(lane: Lane, agent: Agent, request: { readonly method: 'PUT' | 'GET'; readonly path: string }) {
  if (inFlight.size >= WAITING_MAX) return undefined;
  const sample: Sample = { sentAt: performance.now() };
  samples[lane].push(sample);
  let own: ClientRequest | undefined;
  const { answer } = await call(url, request, agent, sent => {
    own = sent;
    inFlight.set(sent, sample.sentAt);
  });
  if (own) inFlight.delete(own);
  sample.endedAt = performance.now();
  sample.answer = answer;
  return answer;
}

async function beat(id: string, lane: 'kept' | 'new'): Promise<void> {
  const sentAt = Date.now();
  const agent = lane === 'kept' ? keptAgent : newAgent;
  const answer = await send(lane, agent, { method: 'PUT', path: `${INSTANCES_PATH}/${id}/heartbeat` });
  if (answer === '204') acknowledged[id] = Math.max(acknowledged[id] ?? 0, sentAt);
}

let readyCount = 0;
function askReady(): void {
  const agent = readyCount++ % 2 === 0 ? readyAgent : newAgent;
  void send('ready', agent, { method: 'GET', path: '/health/ready' });
}

function every(everyMs: number, run: () => void, { firstAt = performance.now(), untilMs = Infinity } = {}): void {
  tasks.push({ dueAt: firstAt, everyMs, untilMs, run });
}

function tick(): void {
  const now = performance.now();
  window.ownDelay = Math.max(window.ownDelay, now - lastTick - TICK_MS);
  lastTick = now;
  for (const task of tasks) {
    if (now < task.dueAt || now > task.untilMs) continue;
    // After a delay of the prober itself it goes on from now: what it missed is not sent later.
    task.dueAt = Math.max(task.dueAt + task.everyMs, now);
    task.run();
  }
  for (const [request, sentAt] of inFlight) {
    if (now - sentAt < GIVEN_UP_MS) break;
    request.destroy(new Error('given up'));
  }
}

async function begin(dying: Extract<ProberQuestion, { ask: 'begin' }>['dying']): Promise<void> {
  acknowledged = {};
  const now = performance.now();
  tasks = tasks.filter(({ untilMs }) => untilMs > now);
  for (const [n, { id, stopAfterMs }] of dying.entries()) {
    const untilMs = now + DYING_LEAD_MS + stopAfterMs;
    every(DYING_BEAT_EVERY_MS, () => void beat(id, n % 2 === 0 ? 'kept' : 'new'), { untilMs });
  }
  if (dying.length > 0) await delay(DYING_LEAD_MS);
  for (const lane of LANES) samples[lane] = samples[lane].filter(({ endedAt }) => endedAt === undefined);
  window = { from: performance.now(), ownDelay: 0 };
}

async function end(): Promise<ProbeWindow> {
  const to = performance.now();
  const { from, ownDelay } = window;
  const isCalm = () => [...inFlight.values()].every(sentAt => sentAt >= to);
  while (!isCalm() && performance.now() - to < CALM_PATIENCE_MS) await delay(20);
  const of = (lane: Lane) => laneResult(samples[lane], { from, to, now: performance.now() });
  return { lanes: { kept: of('kept'), new: of('new'), ready: of('ready') }, acknowledged, ownDelay };
}

serveParent(async body => {
  const question = body as ProberQuestion;
  if (question.ask === 'begin') return await begin(question.dying);
  if (question.ask === 'end') return await end();
  url = new URL(question.url);
  const { renewing } = question;
  // One connection for each instance: a heartbeat whose connection still waits for an answer waits for that connection.
  keptAgent = new Agent({ keepAlive: true, maxSockets: Math.ceil(renewing.length / 2) + SPARE_CONNECTIONS });
  const now = performance.now();
  for (const [n, id] of renewing.entries()) {
    // Neighbours are on the same lane, so that both lanes are spread over the whole second.
    const lane = n % 2 === 0 ? 'kept' : 'new';
    every(BEAT_EVERY_MS, () => void beat(id, lane), { firstAt: now + (n / renewing.length) * BEAT_EVERY_MS });
  }
  every(READY_EVERY_MS, askReady);
  setInterval(tick, TICK_MS);
  return undefined;
});
