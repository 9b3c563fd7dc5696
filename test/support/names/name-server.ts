import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { type AddressInfo } from 'node:net';
import { lastingPort } from '../database/lasting-port.js';

/** What a fake name server does with the questions about a name. */
export type ZoneEntry =
  | { readonly kind: 'addresses'; readonly addresses: readonly string[]; readonly afterMs?: number }
  | { readonly kind: 'alias'; readonly to: string }
  | { readonly kind: 'silent' | 'nxdomain' | 'servfail' | 'refused' | 'wrong-question' | 'truncated' | 'no-data' };

/** A fake name server on loopback, by UDP and TCP at the same port. Names that it does not know do not exist. */
export interface FakeNameServer {
  /** As a resolv.conf names it. */
  readonly address: string;
  /** The zone; changes apply to the next question. */
  readonly zone: Map<string, ZoneEntry>;
  /** Questions about a name so far, of both families; all questions without a name. */
  asked(name?: string): number;
  close(): Promise<void>;
}

const TYPES = { A: 1, CNAME: 5, AAAA: 28 } as const;
const CODES = { noerror: 0, servfail: 2, nxdomain: 3, refused: 5 } as const;
const HEADER_BYTES = 12;
const MAX_ALIASES = 8;

/** Addresses of a zone, of either family. */
export const at = (...addresses: string[]): ZoneEntry => ({ kind: 'addresses', addresses });

export async function startNameServer(entries: Readonly<Record<string, ZoneEntry>> = {}): Promise<FakeNameServer> {
  const zone = new Map(Object.entries(entries));
  const questions = new Map<string, number>();
  const sockets = new Set<Socket>();
  const timers = new Set<NodeJS.Timeout>();
  const udp = createSocket('udp4');
  const tcp = createServer(socket => {
    sockets.add(socket.on('error', () => undefined).once('close', () => sockets.delete(socket)));
    let received = Buffer.alloc(0);
    socket.on('data', chunk => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        const end = 2 + received.readUInt16BE(0);
        answer(received.subarray(2, end), true, reply => {
          const size = Buffer.alloc(2);
          size.writeUInt16BE(reply.length);
          socket.write(Buffer.concat([size, reply]));
        });
        received = received.subarray(end);
      }
    });
  });

  function answer(query: Buffer, isStream: boolean, send: (reply: Buffer) => void): void {
    const { name, type, end } = questionOf(query);
    questions.set(name, (questions.get(name) ?? 0) + 1);
    const entry = zone.get(name) ?? { kind: 'nxdomain' };
    if (entry.kind === 'silent') return;
    const reply = replyTo(query, end, name, type, zone, entry, isStream);
    const afterMs = entry.kind === 'addresses' ? (entry.afterMs ?? 0) : 0;
    if (afterMs === 0) return send(reply);
    const timer = setTimeout(() => {
      timers.delete(timer);
      send(reply);
    }, afterMs);
    timers.add(timer);
  }

  udp.on('message', (query, from) => answer(query, false, reply => udp.send(reply, from.port, from.address)));
  udp.bind(await lastingPort(), '127.0.0.1');
  await once(udp, 'listening');
  const { port } = udp.address();
  tcp.listen(port, '127.0.0.1');
  await once(tcp, 'listening');
  return {
    address: `127.0.0.1:${(tcp.address() as AddressInfo).port}`,
    zone,
    asked: name =>
      name === undefined ? [...questions.values()].reduce((sum, n) => sum + n, 0) : (questions.get(name) ?? 0),
    async close() {
      for (const timer of timers) clearTimeout(timer);
      for (const socket of sockets) socket.destroy();
      udp.close();
      tcp.close();
      await once(tcp, 'close');
    },
  };
}

/** The first question of a message (RFC 1035, section 4.1). */
function questionOf(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = HEADER_BYTES;
  for (let size = query[at]!; size > 0; size = query[at]!) {
    labels.push(query.toString('latin1', at + 1, at + 1 + size));
    at += 1 + size;
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 };
}

function replyTo(
  query: Buffer,
  end: number,
  name: string,
  type: number,
  zone: ReadonlyMap<string, ZoneEntry>,
  entry: ZoneEntry,
  isStream: boolean,
): Buffer {
  const records: Buffer[] = [];
  let [owner, found] = [name, entry];
  for (let n = 0; found.kind === 'alias' && n < MAX_ALIASES; n++) {
    records.push(record(owner, TYPES.CNAME, encodeName(found.to)));
    [owner, found] = [found.to, zone.get(found.to) ?? { kind: 'nxdomain' }];
  }
  const isTruncated = found.kind === 'truncated' && !isStream;
  if (found.kind === 'addresses' || (found.kind === 'truncated' && isStream)) {
    const addresses = found.kind === 'addresses' ? found.addresses : ['127.0.0.1'];
    const wanted = addresses.filter(address => address.includes(':') === (type === TYPES.AAAA));
    for (const address of wanted) records.push(record(owner, type, encodeAddress(address)));
  }
  const code = { nxdomain: CODES.nxdomain, servfail: CODES.servfail, refused: CODES.refused }[found.kind as 'nxdomain'];
  const head = Buffer.alloc(HEADER_BYTES);
  query.copy(head, 0, 0, 2);
  // QR, RD and RA; TC where the message is truncated.
  head.writeUInt16BE(0x81_80 | (isTruncated ? 0x02_00 : 0) | (code ?? CODES.noerror), 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(records.length, 6);
  const question = Buffer.from(query.subarray(HEADER_BYTES, end));
  // An answer to a question that nobody asked: the first letter of the name differs.
  if (found.kind === 'wrong-question') question.writeUInt8(question.readUInt8(1) === 0x7a ? 0x79 : 0x7a, 1);
  return Buffer.concat([head, question, ...records]);
}

function record(owner: string, type: number, data: Buffer): Buffer {
  const fields = Buffer.alloc(10);
  fields.writeUInt16BE(type, 0);
  fields.writeUInt16BE(1, 2);
  fields.writeUInt16BE(data.length, 8);
  return Buffer.concat([encodeName(owner), fields, data]);
}

const encodeName = (name: string): Buffer =>
  Buffer.concat([
    ...name.split('.').map(label => Buffer.from(String.fromCharCode(label.length) + label, 'latin1')),
    Buffer.alloc(1),
  ]);

const groups = (part: string): string[] => (part === '' ? [] : part.split(':'));

function encodeAddress(address: string): Buffer {
  if (!address.includes(':')) return Buffer.from(address.split('.').map(Number));
  const [before = '', after = ''] = address.split('::');
  const [first, last] = [groups(before), groups(after)];
  const all = [...first, ...Array.from({ length: 8 - first.length - last.length }, () => '0'), ...last];
  return Buffer.from(all.map(group => group.padStart(4, '0')).join(''), 'hex');
}
