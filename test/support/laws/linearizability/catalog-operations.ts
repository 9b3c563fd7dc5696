import { type Answer, type Api, type LeasedView, named, type Problem } from '../../http/api.js';
import { type ServiceInput, type ServiceOutput, type Told } from './service-model.js';

const DISCOVERY = '/api/v1/discovery';

/** Fields besides the token, which are always the same, so that an instance is equal when its token is. */
const SPEC = { host: '10.0.0.1', port: 8080, check: { kind: 'none' } };

/** What became of a request: an answer, or nobody knows (`unknown`), or it has not happened (`failed`). */
export type Outcome = { readonly output: ServiceOutput } | 'unknown' | 'failed';

/** Sends an operation to a node. */
export async function perform(api: Api, service: string, input: ServiceInput, signal: AbortSignal): Promise<Outcome> {
  const isWrite = input.kind === 'register' || input.kind === 'patch' || input.kind === 'deregister';
  const answer = await request(api, service, input, signal).catch(() => undefined);
  if (answer === undefined) return isWrite ? 'unknown' : 'failed';
  const code = (answer.body as Problem | undefined)?.code;
  if (answer.status === 503 || answer.status === 429)
    return isWrite && code === 'OUTCOME_UNKNOWN' ? 'unknown' : 'failed';
  return { output: outputOf(service, input, answer) };
}

interface ServiceCounts {
  readonly services: readonly { readonly service: string; readonly instances: { readonly total: number } }[];
}

function request(api: Api, service: string, input: ServiceInput, signal: AbortSignal) {
  const headers: Record<string, string> = {};
  if ('ifMatch' in input && input.ifMatch !== undefined) headers['if-match'] = `"${input.ifMatch}"`;
  const send = (method: string, path: string, body?: object, more = {}) =>
    api.send<unknown>(method, path, body, { ...headers, ...more }, signal);
  switch (input.kind) {
    case 'register': {
      const body = { ...SPEC, metadata: { token: input.token } };
      return send('PUT', named(input.instanceId, service), body, input.mustBeNew ? { 'if-none-match': '*' } : {});
    }
    case 'patch':
      return send('PATCH', named(input.instanceId, service), { metadata: { token: input.token } });
    case 'deregister':
      return send('DELETE', named(input.instanceId, service));
    case 'read-one':
      return send('GET', named(input.instanceId, service));
    case 'read-all':
      return input.by !== 'search'
        ? send('GET', `${DISCOVERY}/services/${service}/instances?status=any&consistency=strong`)
        : send('GET', `${DISCOVERY}/instances?service=${service}&consistency=strong`);
    case 'count':
      return send('GET', `${DISCOVERY}/services?consistency=strong${input.by !== 'search' ? '' : '&type=api'}`);
    default: {
      const impossible: never = input;
      return impossible;
    }
  }
}

function outputOf(service: string, input: ServiceInput, answer: Answer<unknown>): ServiceOutput {
  const { status, body } = answer;
  if (status === 404) return { kind: 'not-found' };
  if (status === 412) return { kind: 'refused', currentVersion: (body as Problem).currentVersion! };
  if (status === 204 && input.kind === 'deregister') return { kind: 'deregistered' };
  if (status === 201) return { kind: 'created', instance: toTold(body as LeasedView) };
  if (status !== 200) throw unexpected(`${input.kind} ${service}`, answer);
  if (input.kind === 'count') {
    const counted = (body as ServiceCounts).services.find(each => each.service === service);
    return { kind: 'counted', total: counted?.instances.total ?? 0 };
  }
  if (input.kind === 'read-all') {
    const { instances, items } = body as Readonly<Record<string, LeasedView[] | undefined>>;
    return { kind: 'found-all', instances: (instances ?? items ?? []).map(toTold) };
  }
  return { kind: input.kind === 'read-one' ? 'found-one' : 'changed', instance: toTold(body as LeasedView) };
}

const toTold = ({ instanceId, id, version, metadata }: LeasedView): Told => ({
  instanceId,
  id,
  version,
  token: metadata['token'] as string,
});

const unexpected = (what: string, { status, body }: Answer<unknown>): Error =>
  new Error(`${what} was answered ${status}: ${JSON.stringify(body)}`);
