import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { SETTINGS } from '@coordination/config/testing';
import { type Container, KubernetesPage, nameOf, podOf } from './support/kubernetes-page.js';

const ROOT = resolve(import.meta.dirname, '..');
const read = (path: string) => readFileSync(resolve(ROOT, path), 'utf8');

const page = new KubernetesPage();
const { manifests } = page;
const shell = page.blocks('sh').join('\n').replaceAll('\\\n', ' ');
const { version } = JSON.parse(read('package.json')) as { version: string };
const { paths } = JSON.parse(read('docs/openapi.json')) as { paths: Record<string, unknown> };

const API_VERSIONS: Readonly<Record<string, string>> = {
  Secret: 'v1',
  Service: 'v1',
  PersistentVolumeClaim: 'v1',
  Job: 'batch/v1',
  CronJob: 'batch/v1',
  Deployment: 'apps/v1',
  PodDisruptionBudget: 'policy/v1',
  NetworkPolicy: 'networking.k8s.io/v1',
};

/** Variables of Node.js itself. */
const OF_NODE = new Set(['NODE_OPTIONS', 'NODE_EXTRA_CA_CERTS']);

const pods = manifests.flatMap(manifest => {
  const pod = podOf(manifest);
  return pod ? [{ name: `${manifest.kind} ${nameOf(manifest)}`, manifest, pod, spec: pod.spec }] : [];
});
const containers = pods.flatMap(({ name, spec }) => spec.containers.map(container => ({ name, spec, container })));
const ours = containers.filter(({ container }) => container.image.includes('platform-coordination-service'));

const namesOf = (kind: string) => manifests.filter(it => it.kind === kind).map(nameOf);

/** Those that a command of the page makes. */
const createdByHand = [...shell.matchAll(/kubectl create configmap (\S+)/g)].map(([, name]) => name!);

const checkSetting = (name: string, value: unknown): string | undefined => {
  if (OF_NODE.has(name)) return undefined;
  if (!(name in SETTINGS)) return `${name} is no setting`;
  if (typeof value !== 'string') return `${name} is no text in YAML, which Kubernetes refuses`;
  const { success, error } = SETTINGS[name as keyof typeof SETTINGS].schema.safeParse(value);
  return success ? undefined : `${name} ${error.issues[0]?.message}`;
};

describe('the manifests for Kubernetes', () => {
  it('are of kinds that there are, each with a name', () => {
    expect(manifests.length).toBeGreaterThan(8);
    for (const { kind, apiVersion } of manifests) expect([kind, apiVersion]).toEqual([kind, API_VERSIONS[kind]]);
    const names = manifests.map(manifest => `${manifest.kind} ${nameOf(manifest)}`);
    expect(new Set(names).size).toBe(names.length);
    expect(names.filter(name => name.endsWith(' '))).toEqual([]);
  });

  it('refer to nothing that is not on the page', () => {
    const [secrets, claims] = [namesOf('Secret'), namesOf('PersistentVolumeClaim')];
    for (const { name, spec } of pods) {
      for (const { envFrom = [], volumeMounts = [] } of spec.containers) {
        for (const { secretRef, configMapRef } of envFrom) {
          if (secretRef) expect(secrets, name).toContain(secretRef.name);
          if (configMapRef) expect(createdByHand, name).toContain(configMapRef.name);
        }
        const volumes = (spec.volumes ?? []).map(volume => volume.name);
        expect(volumeMounts.map(mount => mount.name).toSorted(), name).toEqual(volumes.toSorted());
      }
      for (const { configMap, secret, persistentVolumeClaim } of spec.volumes ?? []) {
        if (configMap) expect(createdByHand, name).toContain(configMap.name);
        if (secret) expect(secrets, name).toContain(secret.secretName);
        if (persistentVolumeClaim) expect(claims, name).toContain(persistentVolumeClaim.claimName);
      }
      expect(spec.serviceAccountName, name).toBeUndefined();
    }
    const used = new Set(pods.flatMap(({ spec }) => (spec.volumes ?? []).map(({ configMap }) => configMap?.name)));
    expect(createdByHand.filter(name => !used.has(name))).toEqual([]);
  });

  it('select the pods that there are, and ports that these have', () => {
    const deployment = page.find('Deployment', 'coordination');
    const { labels, annotations = {} } = podOf(deployment)!.metadata!;
    const [container] = podOf(deployment)!.spec.containers;
    const service = page.find('Service', 'coordination').spec;
    expect(service.selector).toEqual(labels);
    const policy = page.find('NetworkPolicy', 'coordination').spec;
    expect(policy.podSelector!.matchLabels).toEqual(labels);
    for (const kind of ['Deployment', 'PodDisruptionBudget']) {
      expect(page.find(kind, 'coordination').spec.selector).toEqual({ matchLabels: labels });
    }
    const ports = container!.ports!.map(({ name }) => name);
    const asked = [
      ...service.ports!.map(({ targetPort }) => targetPort),
      ...policy.ingress!.flatMap(rule => rule.ports.map(({ port }) => port)),
    ];
    for (const port of asked) expect(ports).toContain(port);
    const number = /^ENV[^]*?PORT=(\d+)$/m.exec(read('Dockerfile'))![1];
    expect(container!.ports).toEqual([{ name: 'http', containerPort: Number(number) }]);
    expect(annotations['prometheus.io/port']).toBe(number);
    expect(paths).toHaveProperty([annotations['prometheus.io/path']!]);
    const others = pods
      .filter(({ manifest }) => manifest !== deployment)
      .map(({ pod }) => pod.metadata?.labels?.['app']);
    expect(others, 'a Service must not send requests to a Job').not.toContain(labels!['app']);
  });

  it('ask for paths that the service has, and give a node time to start', () => {
    const deployment = page.find('Deployment', 'coordination');
    const [{ startupProbe, readinessProbe, livenessProbe }] = podOf(deployment)!.spec.containers as [Container];
    for (const probe of [startupProbe!, readinessProbe!, livenessProbe!]) {
      expect(paths).toHaveProperty([probe.httpGet.path]);
      expect(probe.httpGet.port).toBe('http');
    }
    const startsWithin = startupProbe!.periodSeconds * startupProbe!.failureThreshold;
    expect(deployment.spec.progressDeadlineSeconds).toBeGreaterThan(startsWithin);
  });

  it('set only what is a setting, to what it takes', () => {
    expect(ours).toHaveLength(3);
    for (const { manifest, name } of pods) {
      if (!ours.some(it => it.name === name)) continue;
      const environment = Object.entries(page.environmentOf(manifest));
      expect(
        environment.flatMap(([variable, value]) => checkSetting(variable, value) ?? []),
        name,
      ).toEqual([]);
    }
    const found = ours.flatMap(({ container }) => (container.env ?? []).filter(({ valueFrom }) => valueFrom));
    expect(found.filter(({ name }) => !(name in SETTINGS))).toEqual([]);
  });

  it('allow probes of pods', () => {
    const { PCS_PROBE_ALLOW: allowed } = page.environmentOf(page.find('Deployment', 'coordination'));
    expect(allowed).toMatch(/^\d+\.\d+\.\d+\.\d+\/\d+$/);
    expect(allowed).not.toMatch(/^127\./);
  });

  it('mount the authority of the database where each URL looks for it', () => {
    const urls = namesOf('Secret').flatMap(name =>
      Object.entries(page.find('Secret', name).stringData!)
        .filter(([key]) => key.endsWith('_URL'))
        .map(([, url]) => ({ name, parameters: new URL(url).searchParams })),
    );
    expect(urls).toHaveLength(4);
    for (const { name, parameters } of urls) {
      expect(parameters.get('sslmode')).toBe('verify-full');
      const file = parameters.get('sslrootcert')!;
      const users = containers.filter(it => it.container.envFrom?.some(({ secretRef }) => secretRef?.name === name));
      expect(users, name).not.toEqual([]);
      for (const { container, spec } of users) {
        const mount = container.volumeMounts!.find(({ mountPath }) => file.startsWith(`${mountPath}/`))!;
        const volume = spec.volumes!.find(it => it.name === mount.name)!;
        const key = file.slice(mount.mountPath.length + 1);
        expect(shell).toContain(`kubectl create configmap ${volume.configMap!.name} --from-file=${key}`);
      }
    }
  });

  it('run commands that the image has, of the version that this is', () => {
    for (const { container, name } of ours) {
      expect(container.image.endsWith(`platform-coordination-service:${version}`), name).toBe(true);
      const [program, script] = container.command ?? ['node', 'dist/apps/coordination/src/main.js'];
      expect(program).toBe('node');
      const source = script!.replace(/^dist\//, '').replace(/\.js$/, '.ts');
      expect(existsSync(resolve(ROOT, source)), source).toBe(true);
    }
    for (const image of shell.matchAll(/platform-coordination-service:(\S+)/g)) expect(image[1]).toBe(version);
    for (const [, file] of shell.matchAll(/--from-file=(migrations\/\S+)/g)) {
      expect(existsSync(resolve(ROOT, file!)), file).toBe(true);
    }
  });

  it('give every pod what the restricted profile of Kubernetes asks for, a file system that it cannot write, and bounds', () => {
    for (const { name, spec } of pods) {
      expect(spec, name).toMatchObject({
        enableServiceLinks: false,
        automountServiceAccountToken: false,
        securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      });
      expect(spec.securityContext!['runAsUser'], name).toBeGreaterThan(0);
    }
    for (const { name, container } of containers) {
      expect(container.securityContext, name).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
      expect(container.resources, name).toMatchObject({
        requests: { cpu: expect.any(String) as string, memory: expect.any(String) as string },
        limits: { memory: expect.any(String) as string },
      });
      expect(container.resources!.limits, `${name}: throttling delays heartbeats`).not.toHaveProperty('cpu');
    }
  });

  it('leave the heap to the service, which derives it from the memory limit of its pod', () => {
    const deployment = page.find('Deployment', 'coordination');
    const [{ resources }] = podOf(deployment)!.spec.containers as [Container];
    expect(resources!.limits['memory']).toMatch(/^\d+Gi$/);
    const environment = page.environmentOf(deployment);
    for (const name of ['NODE_OPTIONS', 'PCS_MEMORY_BUDGET_MB']) expect(environment).not.toHaveProperty(name);
  });

  it('can be run again for the next version: Jobs have a new name each time, an end, and are removed', () => {
    const jobs = manifests.filter(({ kind }) => kind === 'Job');
    expect(jobs.map(nameOf)).toEqual(['coordination-roles-', 'coordination-migrate-']);
    for (const { metadata } of jobs) expect(Object.keys(metadata)).toEqual(['generateName']);
    const specs = [...jobs.map(({ spec }) => spec), ...manifests.flatMap(({ spec }) => spec?.jobTemplate?.spec ?? [])];
    expect(specs).toHaveLength(3);
    for (const spec of specs) {
      expect(spec.template.spec.restartPolicy).toBe('Never');
      for (const bound of [spec.backoffLimit, spec.activeDeadlineSeconds, spec.ttlSecondsAfterFinished]) {
        expect(bound).toBeGreaterThan(0);
      }
    }
  });
});

describe('the commands for Kubernetes', () => {
  const commands = shell.split('\n').filter(line => line.includes('kubectl'));

  it('wait with a time limit, for longer than a Job may take', () => {
    const waits = commands.filter(line => /kubectl (?:wait|rollout status)/.test(line));
    expect(waits.length).toBeGreaterThanOrEqual(3);
    for (const line of waits) expect(line).toMatch(/--timeout=\d+m/);
    const minutes = waits.map(line => Number(/--timeout=(\d+)m/.exec(line)![1]));
    const limits = manifests.flatMap(({ kind, spec }) => (kind === 'Job' ? spec.activeDeadlineSeconds! : []));
    const { progressDeadlineSeconds } = page.find('Deployment', 'coordination').spec;
    for (const [n, seconds] of [...limits, progressDeadlineSeconds!].entries()) {
      expect(minutes[n]! * 60).toBeGreaterThan(seconds);
    }
  });

  it('create, and do not apply, what gets its name from Kubernetes', () => {
    const files = [...shell.matchAll(/kubectl (\w+) --filename=(\w\S*)/g)].map(([, verb, file]) => [file, verb]);
    expect(Object.fromEntries(files)).toEqual({
      'secrets.yaml': 'apply',
      'roles.yaml': 'create',
      'migrate.yaml': 'create',
      'service.yaml': 'apply',
      'retention.yaml': 'apply',
    });
  });

  it('have no placeholder that a shell would take for something else', () => {
    expect(shell).not.toMatch(/<[a-z ]+>|…/);
  });

  it('name what there is', () => {
    for (const [, kind = '', name] of shell.matchAll(/\b(deployment|cronjob)\/([a-z-]+)/g)) {
      expect(namesOf({ deployment: 'Deployment', cronjob: 'CronJob' }[kind]!)).toContain(name);
    }
    for (const [, name] of shell.matchAll(/kubectl delete secret (\S+)/g)) expect(namesOf('Secret')).toContain(name);
  });
});

interface ComposeService {
  readonly environment: Readonly<Record<string, unknown>>;
  readonly ports?: readonly string[];
  readonly healthcheck: { readonly test: readonly string[] };
  readonly read_only?: boolean;
}

describe('the compose file', () => {
  const { coordination } = (parse(read('docker-compose.yml')) as { services: Record<string, ComposeService> }).services;

  it('sets only what is a setting, to what it takes, and publishes the port that the image listens at', () => {
    const environment = Object.entries(coordination!.environment).map(([name, value]) => [
      name,
      typeof value === 'string' ? value.replaceAll(/\$\{[^}]*\}/g, 'x') : value,
    ]);
    expect(environment.flatMap(([name, value]) => checkSetting(String(name), value) ?? [])).toEqual([]);
    const port = /PORT=(\d+)$/m.exec(read('Dockerfile'))![1];
    for (const published of coordination!.ports!) expect(published.endsWith(`:${port}`)).toBe(true);
    expect(coordination!.read_only).toBe(true);
  });

  it('asks for paths that the service has', () => {
    for (const text of [coordination!.healthcheck.test.join(' '), read('Dockerfile')]) {
      const [, path] = /(\/health\/\w+)/.exec(text)!;
      expect(paths).toHaveProperty([path!]);
    }
  });
});
