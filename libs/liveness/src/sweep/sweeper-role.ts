/** The role of the node that ends leases. */
export const SWEEPER_ROLE = 'sweeper';
