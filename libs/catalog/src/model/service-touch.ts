/** A service and the last revision that touched it, whether it still has instances or not. */
export interface ServiceTouch {
  readonly namespace: string;
  readonly service: string;
  readonly revision: number;
}
