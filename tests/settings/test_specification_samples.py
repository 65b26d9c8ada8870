"""The samples of the specification load unchanged."""

from __future__ import annotations

from pathlib import Path

from tests.settings.conftest import Project

CONFIGURATION = """\
application: {name: vya-backupdb, version: "2.0.0", environment: production}
logging: {level: INFO, format: json, output: file, file_path: /var/log/vya_backupdb/app.log}     # output: console, file, both
backup: {compression_level: 6, verify_integrity: true, dry_run: false}
storage:
  local:
    base_path: /var/backups/vya_backupdb
    structure: "{hostname}/{db_id}/{db_name}/{date}"
    temp_path: /var/backups/vya_backupdb/temp
  file_naming: {pattern: "{db_name}_{datetime}_{type}.sql.gz", datetime_format: "%Y%m%d_%H%M%S"}
  retention: {strategy: gfs, daily_keep: 7, weekly_keep: 4, monthly_keep: 12, cleanup_enabled: true, apply_per_database: true}
  checksums: {enabled: true, algorithm: sha256, store_file: true}
  metadata: {enabled: true, include_schema_hash: true}
  idrive: {enabled: true, sync_folder: /var/backups/vya_backupdb, verify_after_sync: false}
scheduling: {enabled: true, method: systemd, interval_minutes: 1440, timezone: America/Sao_Paulo}   # systemd, cron, interval
monitoring:
  prometheus: {enabled: true, pushgateway_url: "https://prometheus.example/pushgateway", job_name: "vya-backup-{hostname}", push_interval: 60}
  health_check: {enabled: true, port: 8080, path: /health}
notifications:
  email:
    enabled: true
    smtp_host: smtp.example.com
    smtp_port: 587
    use_tls: true
    from_address: backups@example.com
    success_recipients: [admin@example.com]
    error_recipients: [alerts@example.com, oncall@example.com]
    templates: {success: backup_success.html, error: backup_error.html}
"""  # noqa: E501  # word for word

CREDENTIALS = """\
{"version": "1.0", "encryption": {"method": "fernet", "key_derivation": "hostname-based"},
 "databases": [
  {"id": "prod-mysql-01", "enabled": true, "type": "mysql", "host": "mysql.example", "port": 3306, "username": "gAAAAABl…", "password": "gAAAAABl…",
   "database": "*", "exclude_databases": ["information_schema", "performance_schema"], "ssl": {"enabled": true, "ca_cert": "/etc/ssl/certs/mysql-ca.pem"}},
  {"id": "prod-postgres-01", "enabled": true, "type": "postgresql", "host": "postgres.example", "port": 5432, "username": "gAAAAABl…", "password": "gAAAAABl…",
   "database": "*", "exclude_databases": ["postgres", "template0", "template1"], "ssl": {"enabled": true, "mode": "verify-full"}}]}
"""  # noqa: E501  # word for word

DESIGN = """\
application: {environment: production}          # dev, staging, production
instances:                                      # "databases" is accepted as a synonym
  - id: prod-mysql-01
    type: mysql                                 # mysql, mariadb, postgresql, sqlite
    host: mysql.example.org
    port: 3306
    enabled: true
    databases: "*"                              # or a list; globs allowed; [] means none (a restore target only)
    exclude_databases: [scratch_*]              # system databases are always excluded
    users: true                                 # back up accounts as INSTANCE/@users
    ssl: {enabled: true, mode: verify-full, ca_cert: /etc/ssl/certs/mysql-ca.pem}
  - id: local
    type: sqlite
    path: /srv/app/data/*.db
credentials: {file: .secrets/credentials.json}
catalog: {path: catalog/catalog.db}        # /var/lib/vya_backupdb/catalog.db when installed
backup: {compression: gzip, compression_level: auto, parallel: 2, retries: 2, timeout_minutes: 240}
storage:
  base_path: /var/backups/vya_backupdb
  structure: "{hostname}/{db_id}/{db_name}/{date}"
  file_naming: {pattern: "{db_name}_{datetime}_{type}.sql.gz", datetime_format: "%Y%m%d_%H%M%S"}
  checksums: {algorithm: sha256}                # or md5 as well
  retention: {strategy: gfs, daily_keep: 7, weekly_keep: 4, monthly_keep: 12, cleanup_enabled: true}
scheduling: {interval_minutes: 1440, timezone: America/Sao_Paulo}
logging: {level: INFO, format: json, output: file, file_path: /var/log/vya_backupdb/app.log}
monitoring: {prometheus: {textfile: /var/lib/node_exporter/textfile/vya_backup.prom}}
notifications: {email: {}}
"""


def test_the_sample_configuration_means_what_it_says(project: Project) -> None:
    """The keys of `storage.local` are those of `storage`; the rest is taken as written."""
    configuration = project.load(CONFIGURATION).configuration
    assert configuration.storage.base_path == Path("/var/backups/vya_backupdb")
    assert configuration.storage.temp_path == Path("/var/backups/vya_backupdb/temp")
    assert configuration.backup.compression_level == 6
    assert configuration.scheduling.timezone == "America/Sao_Paulo"
    assert configuration.notifications.email.error_recipients == ("alerts@example.com", "oncall@example.com")


def test_the_sample_configuration_says_which_keys_are_only_noted(project: Project) -> None:
    """What nothing acts on is accepted, and said with its place."""
    notes = project.load(CONFIGURATION).notes
    assert [note.split(": ")[1] for note in notes] == [
        "application.version is only noted",
        "monitoring.health_check.enabled is only noted",
        "monitoring.prometheus.push_interval is only noted",
        "storage.idrive.enabled is only noted",
    ]
    assert notes[2].startswith(f"{project.config}:16: ")


def test_the_sample_credentials_define_the_instances(project: Project) -> None:
    """An entry with type and host is an instance as good as one of the configuration; `database` is `databases`."""
    project.write_store(CREDENTIALS)
    mysql, postgres = project.load(CONFIGURATION).configuration.instances
    assert (mysql.id, mysql.type, mysql.host, mysql.port, mysql.databases) == (
        "prod-mysql-01",
        "mysql",
        "mysql.example",
        3306,
        "*",
    )
    assert mysql.exclude_databases == ("information_schema", "performance_schema")
    assert mysql.tls.ca_cert == Path("/etc/ssl/certs/mysql-ca.pem")
    assert postgres.tls.mode == "verify-full"


def test_where_both_name_an_instance_the_configuration_wins_and_says_so(project: Project) -> None:
    """The entry's account stays in use; its address does not."""
    project.write_store(CREDENTIALS)
    loaded = project.load("instances: [{id: prod-mysql-01, type: mariadb, host: other.example}]")
    first, second = loaded.configuration.instances
    assert (first.type, first.host, second.id) == ("mariadb", "other.example", "prod-postgres-01")
    assert loaded.notes == (
        "prod-mysql-01 is defined in the configuration and in credentials.json; the configuration wins",
    )


def test_an_entry_may_name_one_database(project: Project) -> None:
    """`database` is not only for `"*"`; beside `databases` it is refused."""
    entry = '{"id": "m", "type": "mysql", "host": "h", "username": "u", "database": "shop"'
    project.write_store(f'{{"databases": [{entry}}}]}}')
    assert project.load("").configuration.instances[0].databases == ("shop",)
    project.write_store(f'{{"databases": [{entry}, "databases": ["a"]}}]}}')
    assert project.errors("") == [
        f"{project.store}:1: databases[0].database is an unknown key; did you mean `databases`?"
    ]


def test_the_sample_of_the_design_loads(project: Project) -> None:
    """So does the same with `databases` for `instances`."""
    configuration = project.load(DESIGN).configuration
    assert configuration == project.load(DESIGN.replace("\ninstances:", "\ndatabases:")).configuration
    assert [instance.id for instance in configuration.instances] == ["prod-mysql-01", "local"]
    assert configuration.catalog.path == project.folder / "catalog" / "catalog.db"
