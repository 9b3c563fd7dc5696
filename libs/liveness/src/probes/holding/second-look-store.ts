import { Injectable } from '@nestjs/common';
import { Databases, query } from '@coordination/database';
import { type EntityManager } from '@mikro-orm/postgresql';

/** The most instances of a node that others look at, at a time. */
export const MAX_ASKED = 2_000;

/** Replaces what a node asks for. Questions of a node that died are left behind; a later question removes them. */
const ASK = `
  with asked as (
    select unnest($2::uuid[]) as id
  ), gone as (
    delete from probe_second_look s
    where (s.node = $1 and s.instance_id <> all($2::uuid[]))
      or (s.node <> $1 and s.instance_id <> all($2::uuid[]) and s.asked_at < statement_timestamp() - interval '1 day')
  )
  insert into probe_second_look as s (instance_id, node, asked_at)
  select id, $1, statement_timestamp() from asked
  on conflict (instance_id) do update set
    node = excluded.node, asked_at = excluded.asked_at, looked_by = null, looked_at = null, failures = null
  where s.node <> excluded.node`;

/** What others saw lately of the instances that a node asked for. */
const FIND_ANSWERS = `
  select instance_id as id, looked_by as by, failures from probe_second_look
  where node = $1 and looked_by <> $1 and looked_at > statement_timestamp() - make_interval(secs => $2)`;

const FIND_QUESTIONS = `
  select instance_id as id, node from probe_second_look where node <> $1 order by asked_at, instance_id limit ${MAX_ASKED}`;

const ANSWER = `
  update probe_second_look s set looked_by = $1, looked_at = statement_timestamp(), failures = a.failures
  from jsonb_to_recordset($2) as a (id uuid, node text, failures int)
  where s.instance_id = a.id and s.node = a.node`;

/** What a node saw of an instance that another one sees fail. */
export interface SecondLook {
  readonly id: string;
  /** The node that looked. */
  readonly by: string;
  /** Looks in a row that failed; 0: the last one succeeded. */
  readonly failures: number;
}

/** An instance that a node sees fail, and asks others to look at. */
export interface SecondLookQuestion {
  readonly id: string;
  readonly node: string;
}

/** Passes questions and answers about held failures between nodes. */
@Injectable()
export class SecondLookStore {
  constructor(private readonly databases: Databases) {}

  /** Asks for exactly these instances of a node from now on. */
  async ask(node: string, ids: readonly string[]): Promise<void> {
    await query(this.em(), ASK, [node, ids]);
  }

  /** What others saw within the last seconds. */
  async answersFor(em: EntityManager, node: string, withinSeconds: number): Promise<SecondLook[]> {
    return await query<SecondLook>(em, FIND_ANSWERS, [node, withinSeconds]);
  }

  /** The instances that other nodes ask for. */
  async questionsOfOthers(node: string): Promise<SecondLookQuestion[]> {
    return await query<SecondLookQuestion>(this.em(), FIND_QUESTIONS, [node]);
  }

  async answer(by: string, answers: readonly (SecondLookQuestion & { readonly failures: number })[]): Promise<void> {
    if (answers.length > 0) await query(this.em(), ANSWER, [by, JSON.stringify(answers)]);
  }

  private em(): EntityManager {
    return this.databases.em('liveness');
  }
}
