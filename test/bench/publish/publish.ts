import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { ROOT } from '../harness/run-script.js';
import { overloadText } from '../overload/overload-text.js';
import { soakPlots } from '../soak/soak-plots.js';
import { soakText } from '../soak/soak-text.js';
import { growthPlots } from './growth-plots.js';
import { between, casesText, familyText } from './markdown.js';
import { toSvg } from './plot.js';
import { NOTHING_PUBLISHED, type Published } from './published.js';

const PAGE = join(ROOT, 'docs/benchmarks.md');
const DIRECTORY = join(ROOT, 'docs/benchmarks');
const RESULTS = join(DIRECTORY, 'results.json');

/** Takes results into docs/benchmarks/results.json, and makes the tables and plots of the documentation of all that is there. */
export async function publish(change: (published: Published) => Published): Promise<void> {
  const known = await readFile(RESULTS, 'utf8').then(
    text => JSON.parse(text) as Published,
    () => NOTHING_PUBLISHED,
  );
  const published = change(known);
  await mkdir(DIRECTORY, { recursive: true });
  await writeFile(RESULTS, await formatted(RESULTS, JSON.stringify(published)));
  const plots = new Map([...growthPlots(published.cases), ...(published.soak ? soakPlots(published.soak) : [])]);
  for (const [file, plot] of plots) await writeFile(join(DIRECTORY, `${file}.svg`), toSvg(plot));
  const texts = {
    cases: casesText(published),
    scale: familyText(published, 'scale'),
    log: familyText(published, 'log'),
    overload: published.overload ? overloadText(published.overload) : 'Not measured yet.',
    soak: published.soak ? soakText(published.soak) : 'Not measured yet.',
  };
  let page = await readFile(PAGE, 'utf8');
  for (const [name, text] of Object.entries(texts)) page = between(page, name, text);
  await writeFile(PAGE, page);
}

const formatted = async (filepath: string, text: string): Promise<string> =>
  await format(text, { ...(await resolveConfig(filepath)), filepath });
