import { type RequestClass } from '@coordination/scheduling';
import { extendRouteConfig } from '../routing/extend-route-config.js';

/** Declares the class of work of a handler without `@Endpoint`, such as one of another wire protocol. */
export const Work =
  (work: RequestClass): MethodDecorator =>
  (_target, _key, { value }: PropertyDescriptor) =>
    extendRouteConfig(value as object, { work });
