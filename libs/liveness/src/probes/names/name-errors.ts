/** The name server answered that a name does not exist, or has no address. */
export class UnknownNameError extends Error {
  override readonly name = 'UnknownNameError';

  constructor(host: string) {
    super(`${host} has no address.`);
  }
}

/** No name server answered: it is not known whether the name exists. That says nothing about the instance. */
export class SilentNameServerError extends Error {
  override readonly name = 'SilentNameServerError';

  constructor(host: string, reason: string) {
    super(`The address of ${host} is not known, because no name server answered: ${reason}.`);
  }
}
