import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { aGrpcCheck, anHttpCheck, aTcpCheck } from '../../../../../test/support/catalog/factories.js';
import { grpcTarget, httpTarget } from '../../../../../test/support/http/targets.js';
import { type ProbeOutcome } from './probe-outcome.js';

const ROOT = resolve(import.meta.dirname, '../../../../..');
const SCRIPT = 'test/support/nodes/probe-at-limit.ts';

it('A probe of any kind has no result while this process has no file descriptor left', async () => {
  const http = await httpTarget((_, response) => response.end('ok'));
  const grpc = await grpcTarget({ '': 'SERVING' });
  const targets = [
    { scheme: 'http', host: '127.0.0.1', port: http.port, check: anHttpCheck() },
    { scheme: 'tcp', host: 'localhost', port: http.port, check: aTcpCheck() },
    { scheme: 'grpc', host: '127.0.0.1', port: grpc.port, check: aGrpcCheck() },
  ];
  try {
    const command = `ulimit -n 120; exec "$0" --import ./scripts/typescript.mjs ${SCRIPT} "$1"`;
    const { stdout } = await promisify(execFile)(
      '/bin/sh',
      ['-c', command, process.execPath, JSON.stringify(targets)],
      { cwd: ROOT },
    );
    const { before, without } = JSON.parse(stdout) as { before: ProbeOutcome[]; without: ProbeOutcome[] };
    expect(before.map(({ result }) => result)).toEqual(['success', 'success', 'success']);
    expect(
      without.map(({ result, fault }) => [result, fault]),
      'a fault of this process counts against instances',
    ).toEqual(targets.map(() => ['node', 'descriptors']));
  } finally {
    await http.close();
    await grpc.close();
  }
});
