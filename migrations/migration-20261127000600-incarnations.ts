import { Migration } from '@mikro-orm/migrations';

/**
 * The processes that run under the name of an instance, one after the other. Nodes of the version before write rows without
 * these columns, and leave them as they are when they change a row.
 */
export class Migration20261127000600 extends Migration {
  override up(): void {
    // A text has the form that registrations allow; ended_incarnations is null until one that was named has ended.
    this.addSql(`
      alter table service_instance
        add column incarnation text null,
        add column incarnation_number int not null default 1,
        add column ended_incarnations jsonb null,
        add constraint service_instance_incarnation_form check (incarnation ~ '^[A-Za-z0-9._:@+/=-]{1,100}$'),
        add constraint service_instance_incarnation_number_positive check (incarnation_number > 0),
        add constraint service_instance_ended_incarnations_are_list check (jsonb_typeof(ended_incarnations) = 'array')
    `);
    // A copy, by which a renewal for an incarnation that has ended is known without reading the instance.
    this.addSql('alter table instance_lease add column incarnation_number int not null default 1');
  }

  override down(): void {
    this.addSql('alter table instance_lease drop column incarnation_number');
    this.addSql(`
      alter table service_instance drop column incarnation, drop column incarnation_number, drop column ended_incarnations
    `);
  }
}
