import { request } from 'node:http';
import { text } from 'node:stream/consumers';
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

/** As curl ends where it could not connect, and with --fail where the server refused. */
const NOT_CONNECTED = 7;
const REFUSED = 22;

const { answer, body } = await call().catch(error => {
  if (!values.silent) process.stderr.write(`curl: ${error.message}\n`);
  return process.exit(NOT_CONNECTED);
});
const { statusCode, statusMessage, rawHeaders } = answer;
if (values.fail && statusCode >= 400) process.exit(REFUSED);
if (values.include || values.head) {
  process.stdout.write(`HTTP/1.1 ${statusCode} ${statusMessage}\r\n`);
  for (let n = 0; n < rawHeaders.length; n += 2) process.stdout.write(`${rawHeaders[n]}: ${rawHeaders[n + 1]}\r\n`);
  process.stdout.write('\r\n');
}
process.stdout.write(body);
