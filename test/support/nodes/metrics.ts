import { type Api } from '../http/api.js';

/** The metrics of a node as it tells them to Prometheus: the sum over all labels, by name. */
export async function metricsOf(api: Api): Promise<ReadonlyMap<string, number>> {
  const text = await api.ok<string>('GET', '/metrics');
  const sums = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [, name, value] = /^(\w+)(?:\{.*\})? (\S+)$/.exec(line) ?? [];
    if (name !== undefined) sums.set(name, (sums.get(name) ?? 0) + Number(value));
  }
  return sums;
}

/** One metric of a node. @throws Error when it has none of that name */
export async function metricOf(api: Api, name: string): Promise<number> {
  const value = (await metricsOf(api)).get(name);
  if (value === undefined) throw new Error(`The node has no metric ${name}.`);
  return value;
}
