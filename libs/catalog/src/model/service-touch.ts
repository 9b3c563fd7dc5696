/** The last revision that touched a service, whatever is left of its instances. */
export interface ServiceTouch {
  readonly namespace: string;
  readonly service: string;
  readonly revision: number;
}
