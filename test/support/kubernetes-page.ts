import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseAllDocuments } from 'yaml';

interface Named {
  readonly name: string;
}

/** A variable of a container; it has a value, or one that Kubernetes finds. */
export interface Variable extends Named {
  readonly value?: unknown;
  readonly valueFrom?: unknown;
}

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
  readonly periodSeconds: number;
  readonly failureThreshold: number;
}

export interface Container extends Named {
  readonly image: string;
  readonly command?: readonly string[];
  readonly ports?: readonly (Named & { readonly containerPort: number })[];
  readonly envFrom?: readonly { readonly secretRef?: Named; readonly configMapRef?: Named }[];
  readonly env?: readonly Variable[];
  readonly volumeMounts?: readonly (Named & { readonly mountPath: string; readonly readOnly?: boolean })[];
  readonly startupProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly livenessProbe?: Probe;
  readonly securityContext?: Readonly<Record<string, unknown>>;
  readonly resources?: Readonly<Record<'requests' | 'limits', Readonly<Record<string, string>>>>;
}

interface Volume extends Named {
  readonly configMap?: Named;
  readonly secret?: { readonly secretName: string };
  readonly persistentVolumeClaim?: { readonly claimName: string };
}

export interface PodSpec {
  readonly containers: readonly Container[];
  readonly volumes?: readonly Volume[];
  readonly restartPolicy?: string;
  readonly serviceAccountName?: string;
  readonly enableServiceLinks?: boolean;
  readonly automountServiceAccountToken?: boolean;
  readonly securityContext?: Readonly<Record<string, unknown>>;
}

interface PodTemplate {
  readonly metadata?: {
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: PodSpec;
}

interface JobSpec {
  readonly template: PodTemplate;
  readonly backoffLimit?: number;
  readonly activeDeadlineSeconds?: number;
  readonly ttlSecondsAfterFinished?: number;
}

/** An object of Kubernetes, as far as tests look at it. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name?: string; readonly generateName?: string };
  readonly stringData?: Readonly<Record<string, string>>;
  readonly spec: JobSpec & {
    readonly jobTemplate?: { readonly spec: JobSpec };
    readonly selector?: Readonly<Record<string, unknown>>;
    readonly podSelector?: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly progressDeadlineSeconds?: number;
    readonly ports?: readonly { readonly targetPort: string }[];
    readonly ingress?: readonly { readonly ports: readonly { readonly port: string }[] }[];
  };
}

const PAGE = resolve(import.meta.dirname, '../../docs/kubernetes.md');

/** What docs/kubernetes.md tells people to save and to type. */
export class KubernetesPage {
  private readonly text = readFileSync(PAGE, 'utf8');

  /** The objects of all blocks, in their order. */
  readonly manifests: readonly Manifest[] = this.blocks('yaml')
    .flatMap(block => parseAllDocuments(block))
    .map(document => document.toJS() as Manifest)
    .filter(({ kind }) => kind !== undefined);

  /** The content of the blocks of a language. */
  blocks(language: string): string[] {
    const pattern = new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'gm');
    return [...this.text.matchAll(pattern)].map(([, block = '']) => block);
  }

  /** The one object of a kind whose name, or the beginning of whose name, is this. */
  find(kind: string, name: string): Manifest {
    const found = this.manifests.find(it => it.kind === kind && nameOf(it) === name);
    if (!found) throw new Error(`The page has no ${kind} ${name}.`);
    return found;
  }

  /**
   * The variables of the only container of an object, with those of the secrets that it takes; what Kubernetes finds at run
   * time is left out.
   */
  environmentOf(manifest: Manifest): Record<string, string> {
    const [container] = podOf(manifest)!.spec.containers;
    const ofSecrets = (container!.envFrom ?? []).map(
      ({ secretRef }) => this.find('Secret', secretRef!.name).stringData,
    );
    const own = (container!.env ?? []).flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]]));
    return Object.assign({}, ...ofSecrets, Object.fromEntries(own)) as Record<string, string>;
  }
}

/** What an object is called; of one that gets a new name each time, how the names begin. */
export const nameOf = ({ metadata }: Manifest): string => metadata.name ?? metadata.generateName ?? '';

/** The pods that an object makes; undefined: it makes none. */
export const podOf = ({ spec }: Manifest): PodTemplate | undefined =>
  spec?.template ?? spec?.jobTemplate?.spec.template;
