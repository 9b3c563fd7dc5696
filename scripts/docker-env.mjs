// Before `docker compose up`: makes .env with a random database password, unless there is one. Runs on any Node.js from 20 on.
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import process from 'node:process';

const FILE = '.env';
const PASSWORD_BYTES = 24;

if (!process.env.POSTGRES_PASSWORD) {
  const example = readFileSync('.env.example', 'utf8');
  const password = randomBytes(PASSWORD_BYTES).toString('hex');
  try {
    // `wx`: never over a file that is there. What it holds is its owner's business.
    writeFileSync(FILE, example.replace(/^POSTGRES_PASSWORD=$/m, `POSTGRES_PASSWORD=${password}`), {
      flag: 'wx',
      mode: 0o600,
    });
    process.stdout.write(`Made ${FILE} with a random password of the database.\n`);
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
}
