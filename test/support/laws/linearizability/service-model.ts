import { type Operation, type SequentialModel } from './operation.js';

/** What a caller can tell of an instance that it was told of. */
export interface Told {
  readonly instanceId: string;
  readonly id: string;
  readonly version: number;
  /** What the caller wrote last, as a text that no other write has. */
  readonly token: string;
}

/** What is asked of one service. */
export type ServiceInput =
  | ({ readonly kind: 'register'; readonly instanceId: string; readonly token: string } & Conditions)
  | { readonly kind: 'patch'; readonly instanceId: string; readonly token: string; readonly ifMatch?: number }
  | { readonly kind: 'deregister'; readonly instanceId: string; readonly ifMatch?: number }
  | { readonly kind: 'read-one'; readonly instanceId: string }
  | ({ readonly kind: 'read-all' } & Source)
  | ({ readonly kind: 'count' } & Source);

/** What answers a strong read: the list, or the search and the list with a filter. */
interface Source {
  readonly by?: 'search';
}

interface Conditions {
  readonly ifMatch?: number;
  readonly mustBeNew?: boolean;
}

/** What is answered. */
export type ServiceOutput =
  | { readonly kind: 'created' | 'found-one'; readonly instance: Told }
  /** Also where nothing was to be changed, because it was so already. */
  | { readonly kind: 'changed'; readonly instance: Told }
  | { readonly kind: 'deregistered' | 'not-found' }
  | { readonly kind: 'refused'; readonly currentVersion: number }
  | { readonly kind: 'found-all'; readonly instances: readonly Told[] }
  | { readonly kind: 'counted'; readonly total: number };

export type ServiceOperation = Operation<ServiceInput, ServiceOutput>;

/** Stands for all tokens that nobody was told of. */
const UNSEEN = '(never seen)';

/** An instance as the model has it; the id is not known while nobody has been told of it. */
interface Held {
  readonly id: string | undefined;
  readonly version: number;
  readonly token: string;
}

/** The instances of one service by their own names. */
export type ServiceState = ReadonlyMap<string, Held>;

/** One service of the catalog as its callers must see it: as if they came one after the other. */
export const SERVICE_MODEL: SequentialModel<ServiceState, ServiceInput, ServiceOutput> = {
  initial: new Map(),
  step(state, input, output) {
    const expected = expect(state, input);
    return output === undefined ? expected.state : agreed(expected, output);
  },
  keyOf: state => JSON.stringify([...state].sort(([a], [b]) => (a < b ? -1 : 1))),
  isEffectless: (_input, { kind }) => kind !== 'created' && kind !== 'changed' && kind !== 'deregistered',
};

/** What an operation makes of a service, and what must be answered. Ids are only known from answers. */
interface Expected {
  readonly state: ServiceState;
  readonly kind: ServiceOutput['kind'];
  /** The instance that is spoken of, if one is. */
  readonly instanceId?: string;
  readonly currentVersion?: number;
}

function expect(state: ServiceState, input: ServiceInput): Expected {
  if (input.kind === 'read-all') return { state, kind: 'found-all' };
  if (input.kind === 'count') return { state, kind: 'counted' };
  const { kind, instanceId } = input;
  const held = state.get(instanceId);
  if (held === undefined) {
    const isCreating = kind === 'register' && input.ifMatch === undefined;
    if (!isCreating) return { state, kind: 'not-found' };
    const created = { id: undefined, version: 1, token: input.token };
    return { state: new Map(state).set(instanceId, created), kind: 'created', instanceId };
  }
  if (kind === 'read-one') return { state, kind: 'found-one', instanceId };
  const isRefused =
    (kind === 'register' && input.mustBeNew === true) ||
    (input.ifMatch !== undefined && input.ifMatch !== held.version);
  if (isRefused) return { state, kind: 'refused', currentVersion: held.version };
  const after = new Map(state);
  if (kind === 'deregister') {
    after.delete(instanceId);
    return { state: after, kind: 'deregistered' };
  }
  const saysNothingNew = input.token === held.token && input.token !== UNSEEN;
  if (!saysNothingNew) after.set(instanceId, { ...held, version: held.version + 1, token: input.token });
  return { state: after, kind: 'changed', instanceId };
}

/** The state with what the answer adds to it; undefined when the answer contradicts it. */
function agreed(
  { state, kind, instanceId, currentVersion }: Expected,
  output: ServiceOutput,
): ServiceState | undefined {
  if (output.kind !== kind) return undefined;
  switch (output.kind) {
    case 'created':
    case 'changed':
    case 'found-one':
      return output.instance.instanceId === instanceId ? told(state, output.instance) : undefined;
    case 'deregistered':
    case 'not-found':
      return state;
    case 'refused':
      return output.currentVersion === currentVersion ? state : undefined;
    case 'counted':
      return output.total === state.size ? state : undefined;
    case 'found-all':
      if (output.instances.length !== state.size) return undefined;
      return output.instances.reduce<ServiceState | undefined>(
        (known, instance) => known && told(known, instance),
        state,
      );
    default: {
      const impossible: never = output;
      return impossible;
    }
  }
}

function told(state: ServiceState, { instanceId, id, version, token }: Told): ServiceState | undefined {
  const held = state.get(instanceId);
  const isSo = held?.version === version && held.token === token && (held.id === undefined || held.id === id);
  if (!isSo) return undefined;
  return held.id === id ? state : new Map(state).set(instanceId, { ...held, id });
}

/**
 * The same history, easier to check: tokens that nobody was ever told of need not be told apart, so that of writes
 * of unknown outcome whose effect nobody saw one is as good as the other.
 */
export function withUnseenTokensAlike(history: readonly ServiceOperation[]): readonly ServiceOperation[] {
  const seen = new Set(history.flatMap(({ output }) => tokensOf(output)));
  return history.map(operation => {
    const { input, output } = operation;
    const isUnseen = output === undefined && 'token' in input && !seen.has(input.token);
    return isUnseen ? { ...operation, input: { ...input, token: UNSEEN } } : operation;
  });
}

function tokensOf(output: ServiceOutput | undefined): readonly string[] {
  if (output === undefined) return [];
  if ('instance' in output) return [output.instance.token];
  return 'instances' in output ? output.instances.map(({ token }) => token) : [];
}
