/** Descriptors that are held back for the database, probes, files and listening sockets. */
const HELD_BACK = 200;

/** The least part of the descriptors that connections of clients get where there are few. */
const LEAST_PART = 1 / 4;

/** More descriptors than this are as good as no limit; V8 and the kernel need memory for each connection. */
const MOST = 1_000_000;

/**
 * How many connections of clients may be open at once.
 * @param descriptors how many descriptors this process may have
 * @param asked `PCS_CONNECTIONS_MAX`; undefined: as many as the descriptors allow
 */
export function connectionsMax(descriptors: number, asked: number | undefined): number {
  const possible = Math.max(descriptors - HELD_BACK, Math.floor(descriptors * LEAST_PART), 1);
  return Math.min(asked ?? MOST, possible, MOST);
}

/** How many descriptors this process may have: Node.js raises the soft limit to the hard one at its start. */
export function descriptorLimit(): number {
  // Else the report would look up the names of the peers of all connections. Types for Node.js 20 lack the property.
  const report = process.report as typeof process.report & { excludeNetwork: boolean };
  const { excludeNetwork } = report;
  report.excludeNetwork = true;
  try {
    const { userLimits } = report.getReport() as { userLimits?: { open_files?: { soft?: unknown } } };
    const soft = userLimits?.open_files?.soft;
    return typeof soft === 'number' ? soft : Number.POSITIVE_INFINITY;
  } finally {
    report.excludeNetwork = excludeNetwork;
  }
}
