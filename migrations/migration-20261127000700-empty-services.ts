import { Migration } from '@mikro-orm/migrations';

/** What stands for the services that have been dropped, because they had no instances and there were too many of them. */
export class Migration20261127000700 extends Migration {
  override up(): void {
    this.addSql(`
      create table namespace_floor (
        namespace text not null,
        revision bigint not null,
        primary key (namespace),
        constraint namespace_floor_positive check (revision > 0)
      )
    `);
    // A function of the owner, because the role of the service may not remove revisions of services: only of those that
    // have no instances, and only so that a floor stands for them.
    this.addSql(`
      create function drop_empty_services(services jsonb, upto bigint) returns void
      language plpgsql security definer as $$
      declare
        namespaces text[];
      begin
        -- What has been touched since it was chosen is not dropped: it may have instances, and has a later revision.
        with gone as (
          delete from service_revision s using jsonb_to_recordset(services) as d (namespace text, service text)
          where (s.namespace, s.service) = (d.namespace, d.service) and s.revision <= upto
            and not exists (
              select from service_instance i where (i.namespace, i.service) = (s.namespace, s.service))
          returning s.namespace
        )
        select array_agg(distinct g.namespace) into namespaces from gone g;
        -- A namespace without any known service is like one that never was: '*' stands for all of those.
        delete from namespace_floor f
        where f.namespace = any(namespaces)
          and not exists (select from service_revision s where s.namespace = f.namespace);
        insert into namespace_floor as f (namespace, revision)
        select distinct
          case when exists (select from service_revision s where s.namespace = c.namespace) then c.namespace else '*' end,
          h.revision
        from unnest(namespaces) as c (namespace), catalog_head h
        where h.id = 1
        on conflict (namespace) do update set revision = excluded.revision;
      end
      $$
    `);
    // It acts as its owner, so its names must mean what they mean here, and not what a caller puts before them.
    this.addSql(`
      do $$
      begin
        execute format('alter function drop_empty_services set search_path = %I, pg_temp', current_schema());
      end
      $$
    `);
  }

  override down(): void {
    this.addSql('drop function drop_empty_services');
    this.addSql('drop table namespace_floor');
  }
}
