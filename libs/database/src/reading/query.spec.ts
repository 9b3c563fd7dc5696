import { type EntityManager } from '@mikro-orm/postgresql';
import { describe, expect, it } from 'vitest';
import { autocommit, DoubtfulCommitError } from './query.js';

/** A connection on which a statement fails in a certain way after it was sent. */
function failing(error: Error): EntityManager {
  const connection = {
    async executeQuery() {
      throw error;
    },
  };
  const kysely = { connection: () => ({ execute: async (work: (sent: object) => unknown) => await work(connection) }) };
  return { getKysely: () => kysely } as unknown as EntityManager;
}

async function fails(properties: object): Promise<unknown> {
  const failed = autocommit(failing(Object.assign(new Error('said'), properties)), 'select 1', []);
  return await failed.catch((error: unknown) => error);
}

describe('A statement that commits by itself', () => {
  it.each([
    { severity: 'ERROR', code: '42501' },
    { severity: 'ERROR', code: '53100' },
    { severity: 'ERROR', code: '40001' },
    { severity: 'FEHLER', code: '23505' },
    { severity: 'ОШИБКА', code: '42P01' },
    { severity: 'ERREUR', code: '22P05' },
  ])('had no effect when the server says that it failed: $severity $code', async properties => {
    expect(await fails(properties)).toMatchObject(properties);
    expect(await fails(properties)).not.toBeInstanceOf(DoubtfulCommitError);
  });

  it.each([
    { severity: 'FATAL', code: '57P01' },
    { severity: 'ERROR', code: '40003' },
    { severity: 'ERROR', code: '08007' },
    { severity: 'FEHLER', code: '57014' },
    { code: 'ECONNRESET' },
    {},
  ])('is doubtful when nobody has said so: $severity $code', async properties => {
    expect(await fails(properties)).toBeInstanceOf(DoubtfulCommitError);
  });
});
