import { extendRouteConfig } from './extend-route-config.js';

/**
 * An `HttpException` of this status is sent with its own body instead of a problem document, such as the health report of
 * Terminus, which monitors read.
 */
export const OwnErrorBody =
  (status: number): MethodDecorator =>
  (_target, _key, { value }: PropertyDescriptor) =>
    extendRouteConfig(value as object, { ownErrorStatus: status });
