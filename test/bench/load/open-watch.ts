import { type Agent, request } from 'node:http';
import { createParser, type EventSourceMessage } from 'eventsource-parser';

/**
 * Watches without ever coming back: what a node sends to one connection.
 * @param tell each event, the snapshot too
 * @param ended when the connection has ended after it began, and why
 * @returns when the snapshot has come
 */
export function openWatch(
  url: string,
  agent: Agent,
  tell: (event: EventSourceMessage) => void,
  ended: (why: string) => void = () => undefined,
): Promise<void> {
  return new Promise((resolve, reject) => {
    request(url, { agent }, response => {
      if (response.statusCode !== 200) reject(new Error(`A watch was answered ${response.statusCode}.`));
      const parser = createParser({
        onEvent: event => {
          tell(event);
          if (event.event === 'snapshot') resolve();
        },
      });
      response.setEncoding('utf8').on('data', (text: string) => parser.feed(text));
      response.on('close', () => ended('closed'));
    })
      .on('error', error => {
        reject(error);
        ended(error.message);
      })
      .end();
  });
}
