"""Which databases are expected to have backups, as far as a change of the configuration says so."""

from __future__ import annotations

from typing import Final

EXPECTED: Final = """
UPDATE projected_databases AS d SET present = (
  SELECT CASE
    WHEN NOT json_extract(value, '$.enabled') OR json_extract(value, '$.databases') = '[]' THEN 0
    WHEN d.database LIKE '@%' THEN iif(json_extract(value, '$.users'), NULL, 0)
    ELSE (
      SELECT EXISTS (SELECT 1 FROM json_each(e.data, '$.found') AS found WHERE found.value = d.database)
      FROM projected_instances AS i JOIN events AS e ON e.id = i.discovered_event
      WHERE i.instance = d.instance AND i.origin = d.origin
    )
  END
  FROM json_each(:data, '$.instances') WHERE json_extract(value, '$.id') = d.instance
  UNION ALL SELECT 0 LIMIT 1
)
WHERE d.origin = :origin
"""
"""What is no longer configured is no longer expected; what is again, is as far as the last discovery saw it."""
