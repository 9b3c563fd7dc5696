// Removes the oldest partitions of a log, whatever their age, in a process of its own, which a test may kill:
//
//   node compact-log.mjs <database URL> <folder of the exports> <how many partitions>

import process from 'node:process';
import { Client } from 'pg';
import '../../../scripts/typescript.mjs';

const { LOG_ENTITIES } = await import('../../../libs/log/src/index.ts');
const { Databases } = await import('../../../libs/database/src/index.ts');
const { compactSome } = await import('./compaction.ts');

const [url, exportDir, partitions] = process.argv.slice(2);
const databases = await Databases.open({ url, ssl: 'off', poolMax: 2, entities: LOG_ENTITIES });
const client = new Client({ connectionString: url });
await client.connect();
const onStep = line => process.stdout.write(`${line}\n`);
await compactSome({ databases, client, exportDir, partitions: Number(partitions), onStep });
await client.end();
await databases.close();
