import { Migration } from '@mikro-orm/migrations';

/**
 * Removes the indexes of searches, which nodes answer from memory. Each write of an instance had to change them. Nodes of the
 * version before answer searches with filters without them, only more slowly.
 */
export class Migration20261128001000 extends Migration {
  override up(): void {
    this.addSql('drop index service_instance_metadata_idx');
    this.addSql('drop index service_instance_app_version_idx');
    this.addSql('drop index service_instance_registered_idx');
    this.addSql('drop index service_instance_updated_idx');
  }

  override down(): void {
    this.addSql('create index service_instance_metadata_idx on service_instance using gin (metadata jsonb_path_ops)');
    this.addSql(`
      create index service_instance_app_version_idx on service_instance ((left(metadata ->> 'version', 257)))
    `);
    this.addSql('create index service_instance_registered_idx on service_instance (registered_at, id)');
    this.addSql('create index service_instance_updated_idx on service_instance (updated_at, id)');
  }
}
