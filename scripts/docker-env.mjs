// Before `docker compose up`: creates .env with a random database password if it does not exist. Runs on Node.js 20 and newer.
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import process from 'node:process';

const FILE = '.env';
const PASSWORD_BYTES = 24;

if (!process.env.POSTGRES_PASSWORD) {
  const example = readFileSync('.env.example', 'utf8');
  const password = randomBytes(PASSWORD_BYTES).toString('hex');
  try {
    // `wx` never overwrites an existing file.
    writeFileSync(FILE, example.replace(/^POSTGRES_PASSWORD=$/m, `POSTGRES_PASSWORD=${password}`), {
      flag: 'wx',
      mode: 0o600,
    });
    process.stdout.write(`Created ${FILE} with a random database password.\n`);
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
}
