import { type Databases, type Purpose } from './databases.js';

/**
 * Does something on the connections of a purpose. Whenever nothing was heard for a time (ms), they are cut, so that
 * whoever waits on a server that does not answer gets an error. Again and again: a connection that was only being opened
 * the first time could not be cut then.
 * @param work calls what it is given when the server has answered, if it asks more than once
 */
export async function severedAfter<T>(
  databases: Databases,
  purpose: Purpose,
  silenceMs: number,
  work: (heard: () => void) => Promise<T>,
): Promise<T> {
  const timer = setInterval(() => databases.sever(purpose), silenceMs);
  try {
    return await work(() => timer.refresh());
  } finally {
    clearInterval(timer);
  }
}
