import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';

// Stands in for curl where a machine has none: as much of it as the README uses.
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    silent: { type: 'boolean', short: 's' },
    include: { type: 'boolean', short: 'i' },
    head: { type: 'boolean', short: 'I' },
    fail: { type: 'boolean', short: 'f' },
    get: { type: 'boolean', short: 'G' },
    request: { type: 'string', short: 'X' },
    header: { type: 'string', short: 'H', multiple: true, default: [] },
    data: { type: 'string', short: 'd', multiple: true, default: [] },
    'data-urlencode': { type: 'string', multiple: true, default: [] },
    retry: { type: 'string', default: '0' },
    'retry-delay': { type: 'string', default: '1' },
    'retry-connrefused': { type: 'boolean' },
  },
});

const encoded = values['data-urlencode'].map(pair => {
  const [name, ...value] = pair.split('=');
  return `${name}=${encodeURIComponent(value.join('='))}`;
});
const data = [...encoded, ...values.data].join('&');
const hasBody = data !== '' && !values.get;

const url = new URL(positionals[0]);
if (values.get) url.search = data;

const headers = Object.fromEntries(values.header.map(header => header.split(/:\s*(.*)/s, 2)));
const method = values.request ?? (values.head ? 'HEAD' : hasBody ? 'POST' : 'GET');

async function call() {
  const answer = await new Promise((resolve, reject) => {
    request(url, { method, headers: { Accept: '*/*', ...headers } }, resolve)
      .on('error', reject)
      .end(hasBody ? data : undefined);
  });
  return { answer, body: await text(answer) };
}

const MS = 1_000;
const FAILED = 22;

for (let left = Number(values.retry); ; left -= 1) {
  const result = await call().catch(error => ({ error }));
  const passes = 'error' in result || result.answer.statusCode >= 500;
  if (passes && left > 0) {
    await delay(Number(values['retry-delay']) * MS);
    continue;
  }
  if ('error' in result) throw result.error;
  const { statusCode, statusMessage, rawHeaders } = result.answer;
  if (values.fail && statusCode >= 400) process.exit(FAILED);
  if (values.include || values.head) {
    process.stdout.write(`HTTP/1.1 ${statusCode} ${statusMessage}\r\n`);
    for (let n = 0; n < rawHeaders.length; n += 2) process.stdout.write(`${rawHeaders[n]}: ${rawHeaders[n + 1]}\r\n`);
    process.stdout.write('\r\n');
  }
  process.stdout.write(result.body);
  break;
}
