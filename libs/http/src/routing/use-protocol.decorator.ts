import { extendRouteConfig } from './extend-route-config.js';
import { type WireProtocol } from './wire-protocol.js';

/** Makes all handlers of a controller (not those that it inherits) routes of a {@link WireProtocol}. */
export const UseProtocol =
  (protocol: WireProtocol): ClassDecorator =>
  target => {
    const methods = Object.getOwnPropertyDescriptors(target.prototype as object);
    for (const { value } of Object.values(methods)) {
      if (typeof value === 'function') extendRouteConfig(value, { protocol });
    }
  };
