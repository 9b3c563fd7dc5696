#!/usr/bin/env node
// Verifies an NDJSON export of the audit log offline, with only Node.js:
//
//   node verify-audit-export.mjs export.ndjson [--anchor <revision>:<hash>]... [--filtered]
//   curl -s http://localhost:8081/api/v1/audit/export | node verify-audit-export.mjs -
//
// --anchor    a revision and its hash that were stored earlier (GET /api/v1/audit/head); may be given several times
// --filtered  the export contains only some of the events: each is verified separately, missing ones are not detected
//
// Exit code 0: the export is unchanged. 1: it was changed; the first invalid revision is printed. 2: wrong usage.
// docs/audit.md explains how the hashes are built.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';

const FIRST_PREVIOUS_HASH = '0'.repeat(64);
const EPOCH_JUMP = 2 ** 32;

/** RFC 8785: sorted keys, no white space, and numbers and text as JSON.stringify writes them. */
function canonical(value) {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  const members = Object.keys(value)
    .sort()
    .map(key => `${JSON.stringify(key)}:${canonical(value[key])}`);
  return `{${members.join(',')}}`;
}

/** Whether the hash of an event matches its other members. */
function isWhole({ hash, ...hashed }) {
  return hash === createHash('sha256').update(canonical(hashed)).digest('hex');
}

/** Returns what is wrong with an event that follows another one (or is the first); undefined: nothing. */
function complaint(event, previous, filtered) {
  if (typeof event?.revision !== 'number') return 'it is not an event';
  if (!isWhole(event)) return 'its content does not match its hash: it was changed';
  if (filtered) return undefined;
  if (!previous) {
    const isFirst = event.revision === 1;
    return isFirst && event.previousHash !== FIRST_PREVIOUS_HASH
      ? 'the first event must have no event before it'
      : undefined;
  }
  const step = event.revision - previous.revision;
  const follows = event.action === 'catalog.epoch_started' ? step > 0 && step % EPOCH_JUMP === 0 : step === 1;
  if (!follows) {
    return `it comes after revision ${previous.revision}: events are missing, added or out of order (export with order=asc)`;
  }
  return event.previousHash === previous.hash ? undefined : 'its previousHash is not the hash of the event before it';
}

function usage() {
  process.stderr.write('Usage: verify-audit-export.mjs <file or -> [--anchor <revision>:<hash>]... [--filtered]\n');
  process.exit(2);
}

function fail(where, why) {
  process.stdout.write(`BROKEN at ${where}: ${why}.\n`);
  process.exit(1);
}

const anchors = new Map();
let filtered = false;
let file;
const words = process.argv.slice(2);
while (words.length > 0) {
  const word = words.shift();
  if (word === '--filtered') filtered = true;
  else if (word === '--anchor') {
    const [, revision, hash] = /^(\d+):([0-9a-f]{64})$/.exec(words.shift() ?? '') ?? usage();
    anchors.set(Number(revision), hash);
  } else if (file === undefined) file = word;
  else usage();
}
if (file === undefined) usage();

let count = 0;
let first;
let previous;
const input = file === '-' ? process.stdin : createReadStream(file);
for await (const line of createInterface({ input, crlfDelay: Infinity })) {
  count += 1;
  let event;
  try {
    event = JSON.parse(line);
  } catch {
    fail(`line ${count}`, 'it is not JSON; was the export cut off?');
  }
  const wrong = complaint(event, previous, filtered);
  if (wrong) fail(`revision ${event?.revision} (line ${count})`, wrong);
  const anchor = anchors.get(event.revision);
  if (anchor !== undefined && anchor !== event.hash) {
    fail(`revision ${event.revision}`, 'the log differs from the one of the anchor; it was rewritten');
  }
  anchors.delete(event.revision);
  first ??= event;
  previous = event;
}
for (const [revision] of anchors) {
  if (revision > 0)
    fail(
      `revision ${revision}`,
      'the anchored event is not in the export; the end was removed, or the export is incomplete',
    );
}
if (!previous) process.stdout.write('OK: no events.\n');
else {
  process.stdout.write(
    `OK: ${count} events, revisions ${first.revision} to ${previous.revision}, last hash ${previous.hash}\n`,
  );
  if (!filtered && first.revision > 1) {
    process.stdout.write(`It begins after revision 1, so it does not show whether ${first.previousHash} is correct.\n`);
  }
}
