import { hostname } from 'node:os';
import { Inject, Injectable, Optional } from '@nestjs/common';
import { Clock } from '@coordination/kernel';
import { SilentNameServerError, UnknownNameError } from './name-errors.js';
import { type HostsFile, parseHostsFile, type ResolvedAddress } from './hosts-file.js';
import { type NameAnswer, NameServer } from './name-server.js';
import { candidatesOf, parseResolvConf, type ResolverConfig } from './resolv-conf.js';
import { WatchedFile } from './watched-file.js';

/** The files that decide which names exist; tests have their own. */
export interface NameFiles {
  readonly hosts: string;
  readonly resolvConf: string;
  /** How often (ms) they are checked for changes. */
  readonly checkMs?: number;
}

export const SYSTEM_NAME_FILES: NameFiles = { hosts: '/etc/hosts', resolvConf: '/etc/resolv.conf' };

/** How long (ms) a look-up may take at all name servers together, with the time in which it waits for places. */
const LOOKUP_MS = 5_000;

/** `localhost` and the names below it are loopback, whatever name servers say (RFC 6761, section 6.3). */
const LOCALHOST = /(^|\.)localhost$/;
const LOOPBACK: readonly ResolvedAddress[] = [
  { address: '127.0.0.1', family: 4 },
  { address: '::1', family: 6 },
];

/** Finds the addresses of a name. */
export abstract class NameSource {
  /**
   * @param isProven whether the last look-up of the host was answered
   * @throws UnknownNameError when a name server answered that there is none
   * @throws SilentNameServerError when none answered
   */
  abstract find(host: string, isProven: boolean): Promise<readonly ResolvedAddress[]>;
}

/**
 * Finds names as the resolver of the system does: the hosts file first, then the name servers of resolv.conf(5), with its
 * search list and `ndots`. Unlike `getaddrinfo` it uses no threads, which the file system and compression need too, and has
 * time limits of its own.
 */
@Injectable()
export class SystemNames extends NameSource {
  private readonly hosts: WatchedFile<HostsFile>;
  private readonly config: WatchedFile<ResolverConfig>;
  private servers: readonly NameServer[] = [];
  private configured: ResolverConfig | undefined;

  constructor(
    @Inject(Clock) private readonly clock: Pick<Clock, 'monotonicMs'>,
    @Optional() { hosts, resolvConf, checkMs }: NameFiles = SYSTEM_NAME_FILES,
  ) {
    super();
    const { LOCALDOMAIN: localDomain, RES_OPTIONS: options } = process.env;
    const surroundings = { hostname: hostname(), localDomain, options };
    this.hosts = new WatchedFile(hosts, parseHostsFile, clock, checkMs);
    this.config = new WatchedFile(resolvConf, text => parseResolvConf(text, surroundings), clock, checkMs);
  }

  /** Look-ups that name servers are being asked, and those that wait for a place. */
  get load(): { readonly inUse: number; readonly waiting: number } {
    const loads = this.servers.map(({ load }) => load);
    const sum = (what: 'inUse' | 'waiting') => loads.reduce((total, load) => total + load[what], 0);
    return { inUse: sum('inUse'), waiting: sum('waiting') };
  }

  async find(host: string, isProven: boolean): Promise<readonly ResolvedAddress[]> {
    const name = host.toLowerCase().replace(/\.$/, '');
    const known = (await this.hosts.read()).get(name);
    if (known) return known;
    if (LOCALHOST.test(name)) return LOOPBACK;
    const config = await this.config.read();
    this.configure(config);
    return await this.search(host, candidatesOf(host.toLowerCase(), config), isProven);
  }

  /** A changed file has other name servers; look-ups under way at those before end by themselves. */
  private configure(config: ResolverConfig): void {
    if (config === this.configured) return;
    this.configured = config;
    const before = new Map(this.servers.map(server => [server.address, server]));
    const addresses = config.servers.length > 0 ? config.servers : [undefined];
    this.servers = addresses.map(address => before.get(address) ?? new NameServer(address));
  }

  private async search(host: string, names: readonly string[], isProven: boolean): Promise<readonly ResolvedAddress[]> {
    const endMs = this.clock.monotonicMs() + LOOKUP_MS;
    let failure: string | undefined;
    for (const name of names) {
      const answer = await this.ask(name, isProven, endMs);
      if (answer.kind === 'found') return answer.addresses;
      // A silent server would be silent for the other names, too. A failure may be about this zone alone.
      if (answer.kind === 'silent') throw new SilentNameServerError(host, answer.reason);
      if (answer.kind === 'failed') failure = answer.reason;
    }
    if (failure !== undefined) throw new SilentNameServerError(host, failure);
    throw new UnknownNameError(host);
  }

  /** The answer of the first name server that has one; those that have been silent are asked last. */
  private async ask(name: string, isProven: boolean, endMs: number): Promise<NameAnswer> {
    const inOrder = this.servers.toSorted((a, b) => Number(a.isSilent) - Number(b.isSilent));
    let worst: NameAnswer = { kind: 'silent', reason: 'the look-up took too long' };
    for (const server of inOrder) {
      const leftMs = endMs - this.clock.monotonicMs();
      if (leftMs <= 0) break;
      const answer = await server.ask({ name, isProven }, leftMs);
      if (answer.kind === 'found' || answer.kind === 'none') return answer;
      if (worst.kind === 'silent') worst = answer;
    }
    return worst;
  }
}
