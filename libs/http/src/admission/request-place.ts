import { type ServerResponse } from 'node:http';
import { type Place, type PlaceCaller, type PlaceKind, type WorkPlaces } from '@coordination/scheduling';
import { clientDisconnect } from '../requests/client-disconnect.js';

/**
 * The place of one request: it has at most one at a time. It is given back when the answer is handed over to be sent, which is
 * before the client has taken it. A request whose client is gone keeps its place until its work has ended: otherwise callers
 * that disconnect and return would begin any amount of work.
 */
export class RequestPlace {
  private held: { readonly kind: PlaceKind; readonly place: Place } | undefined;
  private isOver = false;
  private readonly caller: Pick<PlaceCaller, 'client' | 'route' | 'signal'>;

  constructor(
    private readonly places: WorkPlaces,
    { client, route, response }: { readonly client: string; readonly route: string; readonly response: ServerResponse },
  ) {
    this.caller = { client, route, signal: clientDisconnect(response) };
    response.once('close', () => {
      if (response.headersSent) this.end();
    });
  }

  /**
   * Waits for a place, unless the request has one of this kind. A place of another kind is given back first, so that no two
   * requests wait for each other.
   * @throws OverloadedError
   * @throws the reason of the signal when the client is gone
   */
  async enter(kind: PlaceKind): Promise<void> {
    if (this.held?.kind === kind) return;
    this.leave();
    await this.take(kind, this.caller);
  }

  /** Lets those that wait have the place, and waits for it again, without bounds, since the work has begun. */
  async handOn(): Promise<void> {
    const { held } = this;
    if (!held) return;
    this.leave();
    await this.take(held.kind, { ...this.caller, isUnderWay: true });
  }

  /** Gives the place back. Further calls have no effect. */
  leave(): void {
    this.held?.place.release();
    this.held = undefined;
  }

  /** The answer was handed over: gives the place back, and takes no further one. */
  end(): void {
    this.isOver = true;
    this.leave();
  }

  private async take(kind: PlaceKind, caller: PlaceCaller): Promise<void> {
    const place = await this.places.enter(kind, caller);
    // Meanwhile the client may have left, or the request may have been answered or have got a place another way.
    if (this.isOver || this.held || this.caller.signal?.aborted) place.release();
    else this.held = { kind, place };
    this.caller.signal?.throwIfAborted();
  }
}
