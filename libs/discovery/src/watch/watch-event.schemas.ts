import { AUDIT_ACTIONS } from '@coordination/log';
import { instanceView } from '@coordination/catalog';
import { textOf } from '@coordination/http';
import { z } from 'zod';
import { REMOVED, RESET_REASONS } from './sse/sse-frames.js';

/** What happens to instances; other events of the log are not told to watchers. */
const CHANGE_ACTIONS = AUDIT_ACTIONS.filter(action => action.startsWith('instance.'));

const id = z.string().describe('Where to go on from, as `Last-Event-ID`; empty: from nowhere.');
const revision = z.int().min(0);

const snapshot = z
  .looseObject({
    revision: revision.describe('The revision that it shows.'),
    instances: z.array(instanceView).describe('All that are selected.'),
  })
  .meta({ id: 'WatchedSnapshot' });

const change = z
  .looseObject({
    revision: revision.describe('The revision of the change.'),
    action: z.enum(CHANGE_ACTIONS).meta({ id: 'InstanceAction' }).describe('What happened.'),
    instance: instanceView.describe('As it is now; one that is gone, as it was at last.'),
  })
  .meta({ id: 'WatchedChange' });

const bookmark = z
  .looseObject({ revision: revision.describe('Everything up to it has been sent.') })
  .meta({ id: 'WatchedBookmark' });

const reset = z
  .looseObject({
    revision: revision.describe('Where the catalog stands.'),
    reason: z.enum(RESET_REASONS).meta({ id: 'ResetReason' }).describe('Why the watcher must begin anew.'),
  })
  .meta({ id: 'WatchedReset' });

const message = (event: z.ZodType, data: z.ZodType, name: string) =>
  z.looseObject({ id, event, data }).meta({ id: name });

/** A server-sent event of a watch, its data parsed; `event` tells which one it is. */
export const watchEvent = z
  .union([
    message(z.literal('snapshot'), snapshot, 'SnapshotEvent'),
    message(z.enum([...CHANGE_ACTIONS, REMOVED]), change, 'ChangeEvent'),
    message(z.literal('bookmark'), bookmark, 'BookmarkEvent'),
    message(z.literal('reset'), reset, 'ResetEvent'),
  ])
  .meta({ id: 'WatchEvent', description: 'A server-sent event of a watch, its data parsed.' });

/** The stream of them. */
export const watchEvents = textOf(watchEvent, 'text/event-stream').describe('Server-sent events.');
