import { AUDIT_ACTIONS } from '@coordination/log';
import { instanceView } from '@coordination/catalog';
import { textOf } from '@coordination/http';
import { z } from 'zod';
import { REMOVED, RESET_REASONS } from './sse/sse-frames.js';

/** The actions on instances; watchers do not receive other events of the log. */
const CHANGE_ACTIONS = AUDIT_ACTIONS.filter(action => action.startsWith('instance.'));

const id = z.string().describe('The position to continue from, as `Last-Event-ID`; empty: start again without one.');
const revision = z.int().min(0);

const snapshot = z
  .looseObject({
    revision: revision.describe('The revision that the snapshot shows.'),
    instances: z.array(instanceView).describe('All selected instances.'),
  })
  .meta({ id: 'WatchedSnapshot' });

const change = z
  .looseObject({
    revision: revision.describe('The revision of the change.'),
    action: z.enum(CHANGE_ACTIONS).meta({ id: 'InstanceAction' }).describe('What happened.'),
    instance: instanceView.describe('The instance after the change; a removed one in its last state.'),
  })
  .meta({ id: 'WatchedChange' });

const bookmark = z
  .looseObject({ revision: revision.describe('Every change up to this revision has been sent.') })
  .meta({ id: 'WatchedBookmark' });

const reset = z
  .looseObject({
    revision: revision.describe('The revision of the catalog.'),
    reason: z
      .enum(RESET_REASONS)
      .meta({ id: 'ResetReason' })
      .describe('Why the watcher must start again without a revision.'),
  })
  .meta({ id: 'WatchedReset' });

const message = (event: z.ZodType, data: z.ZodType, name: string) =>
  z.looseObject({ id, event, data }).meta({ id: name });

/** A server-sent event of a watch with its data parsed; `event` is its kind. */
export const watchEvent = z
  .union([
    message(z.literal('snapshot'), snapshot, 'SnapshotEvent'),
    message(z.enum([...CHANGE_ACTIONS, REMOVED]), change, 'ChangeEvent'),
    message(z.literal('bookmark'), bookmark, 'BookmarkEvent'),
    message(z.literal('reset'), reset, 'ResetEvent'),
  ])
  .meta({ id: 'WatchEvent', description: 'A server-sent event of a watch, with its data parsed.' });

/** The event stream. */
export const watchEvents = textOf(watchEvent, 'text/event-stream').describe('Server-sent events.');
