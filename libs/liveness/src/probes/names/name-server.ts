import { Resolver } from 'node:dns/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { type ResolvedAddress } from './hosts-file.js';
import { type Asking, LookupPlaces, NoLookupPlaceError } from './lookup-places.js';

/**
 * Time limits of c-ares, which sends a question up to three times: after 0.5 s, 1 s and at most 1.5 s without an answer, or
 * sooner when the server is fast. Its timer has a resolution of up to a second.
 */
const TIMES = { timeout: 500, tries: 3, maxTimeout: 1_500 };

/** How long (ms) the addresses of one family wait for those of the other one (RFC 8305, section 3, has 50 ms). */
const OTHER_FAMILY_MS = 250;

/** Look-ups without an answer, one after the other, after which other name servers are asked first. */
const SILENT_AFTER = 3;

/** What a name server said about a name. */
export type NameAnswer =
  | { readonly kind: 'found'; readonly addresses: readonly ResolvedAddress[] }
  /** It answered that there is no such name, or no address. */
  | { readonly kind: 'none' }
  /** It answered that it could not find out (SERVFAIL), or that it does not want to (REFUSED). */
  | { readonly kind: 'failed'; readonly reason: string }
  /** It did not answer, or could not be reached. */
  | { readonly kind: 'silent'; readonly reason: string };

const NONE: NameAnswer = { kind: 'none' };

/** Errors by which a server answers that there is nothing; `EBADNAME`: such a name cannot exist. */
const ANSWERS_NONE: ReadonlySet<string | undefined> = new Set(['ENOTFOUND', 'ENODATA', 'EBADNAME']);
const ANSWERS_FAILURE: ReadonlySet<string | undefined> = new Set(['ESERVFAIL', 'EREFUSED', 'ENOTIMP', 'EFORMERR']);

/** One name server: c-ares asks it without threads, and with time limits of its own. The look-ups under way have a bound. */
export class NameServer {
  private readonly resolver = new Resolver(TIMES);
  private readonly places = new LookupPlaces();
  private unanswered = 0;

  /** @param address as `Resolver.setServers` takes it; undefined: the name servers that c-ares finds itself */
  constructor(readonly address: string | undefined) {
    if (address !== undefined) this.resolver.setServers([address]);
  }

  /** Whether it has not answered lately. */
  get isSilent(): boolean {
    return this.unanswered >= SILENT_AFTER;
  }

  /** Look-ups that it is being asked, and those that wait. */
  get load(): { readonly inUse: number; readonly waiting: number } {
    return this.places;
  }

  /** Asks for the addresses of both families of a name. It never fails. */
  async ask(asking: Asking, withinMs: number): Promise<NameAnswer> {
    let giveBack: () => void;
    try {
      giveBack = await this.places.take(asking, withinMs);
    } catch (error) {
      if (!(error instanceof NoLookupPlaceError)) throw error;
      return { kind: 'silent', reason: error.message };
    }
    const families = [this.askFor(asking.name, 4), this.askFor(asking.name, 6)] as const;
    const both = Promise.all(families);
    // The place is held until c-ares has ended both.
    void both.finally(giveBack);
    const answer = await firstUseful(families, both);
    this.unanswered = answer.kind === 'silent' ? this.unanswered + 1 : 0;
    return answer;
  }

  private async askFor(name: string, family: 4 | 6): Promise<NameAnswer> {
    try {
      const found = await (family === 4 ? this.resolver.resolve4(name) : this.resolver.resolve6(name));
      return found.length === 0
        ? NONE
        : { kind: 'found', addresses: found.map(address => ({ address, family }) as const) };
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (ANSWERS_NONE.has(code)) return NONE;
      const reason = `${this.address ?? 'the default name server'}: ${code ?? String(error)}`;
      return { kind: ANSWERS_FAILURE.has(code) ? 'failed' : 'silent', reason };
    }
  }
}

type Families = readonly [Promise<NameAnswer>, Promise<NameAnswer>];

/** Both answers, or the addresses of one family when the answer about the other one does not come. */
async function firstUseful(families: Families, both: Promise<readonly [NameAnswer, NameAnswer]>): Promise<NameAnswer> {
  const foundFirst = Promise.any(
    families.map(async family => {
      const answer = await family;
      if (answer.kind !== 'found') throw new Error('no addresses');
      await delay(OTHER_FAMILY_MS, undefined, { ref: false });
      return answer;
    }),
  ).catch(async () => combined(...(await both)));
  return await Promise.race([both.then(answers => combined(...answers)), foundFirst]);
}

function combined(v4: NameAnswer, v6: NameAnswer): NameAnswer {
  const addresses = [v4, v6].flatMap(answer => (answer.kind === 'found' ? answer.addresses : []));
  if (addresses.length > 0) return { kind: 'found', addresses };
  // One family that was not answered could have addresses.
  return [v4, v6].find(({ kind }) => kind === 'silent') ?? [v4, v6].find(({ kind }) => kind === 'failed') ?? NONE;
}
