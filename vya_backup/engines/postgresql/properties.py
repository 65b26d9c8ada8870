"""A database's own properties: recorded as JSON values, and written again as SQL under any name.

The rule: pg_dump keeps these only with `--create`, which a hostile name breaks; so they are read from the catalogs
before the dump and applied to the staging database before it takes the target's name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlalchemy import Connection

Properties = Mapping[str, Any]

_DATABASE = """SELECT to_jsonb(d) - 'datacl' AS fields, pg_get_userbyid(d.datdba) AS owner,
    pg_encoding_to_char(d.encoding) AS encoding, t.spcname AS tablespace,
    shobj_description(d.oid, 'pg_database') AS comment,
    d.datacl IS NOT NULL AS has_acl, EXISTS (SELECT FROM pg_namespace WHERE nspname = 'public') AS has_public
    FROM pg_database d JOIN pg_tablespace t ON t.oid = d.dattablespace WHERE d.datname = current_database()"""
_GRANTS = """SELECT CASE a.grantee WHEN 0 THEN '' ELSE pg_get_userbyid(a.grantee) END, a.privilege_type, a.is_grantable
    FROM pg_database d, aclexplode(d.datacl) a WHERE d.datname = current_database() ORDER BY 1, 2"""
_SETTINGS = """SELECT CASE s.setrole WHEN 0 THEN '' ELSE pg_get_userbyid(s.setrole) END, s.setconfig
    FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase
    WHERE d.datname = current_database() ORDER BY 1"""
_LABELS = """SELECT s.provider, s.label FROM pg_shseclabel s JOIN pg_database d ON d.oid = s.objoid
    WHERE s.classoid = 'pg_database'::regclass AND d.datname = current_database() ORDER BY 1"""
_TABLESPACES = """SELECT DISTINCT t.spcname FROM pg_class c JOIN pg_tablespace t ON t.oid = c.reltablespace
    WHERE t.spcname <> 'pg_global' ORDER BY 1"""
_PROVIDERS = {"c": "libc", "i": "icu", "b": "builtin"}
# GUC_LIST_QUOTE: the stored value is a list of quoted names, which SET takes one by one (`variable_is_guc_list_quote`).
_LISTS = frozenset(
    {
        "local_preload_libraries",
        "search_path",
        "session_preload_libraries",
        "shared_preload_libraries",
        "temp_tablespaces",
        "unix_socket_directories",
    }
)


def record(connection: Connection) -> dict[str, Any]:
    """Read the properties of the connection's database."""
    row = connection.exec_driver_sql(_DATABASE).one()
    fields = row.fields
    provider = _PROVIDERS.get(fields.get("datlocprovider", "c"), "libc")
    return {
        "owner": row.owner,
        "encoding": row.encoding,
        "collate": fields["datcollate"],
        "ctype": fields["datctype"],
        "provider": provider,
        "locale": fields.get("datlocale") or fields.get("daticulocale") or "",
        "icu_rules": fields.get("daticurules") or "",
        "tablespace": "" if row.tablespace == "pg_default" else row.tablespace,
        "tablespaces": [name for (name,) in connection.exec_driver_sql(_TABLESPACES)],
        "connection_limit": fields["datconnlimit"],
        "is_template": fields["datistemplate"],
        "comment": row.comment or "",
        "has_public_schema": row.has_public,
        "grants": [list(grant) for grant in connection.exec_driver_sql(_GRANTS)] if row.has_acl else None,
        "settings": [[role, list(values)] for role, values in connection.exec_driver_sql(_SETTINGS)],
        "security_labels": [list(label) for label in connection.exec_driver_sql(_LABELS)],
    }


def create(name: str, properties: Properties, server_version: tuple[int, ...]) -> str:
    """Return CREATE DATABASE from template0, which alone allows any encoding and locale."""
    words = [f"CREATE DATABASE {identifier(name)} TEMPLATE template0"]
    if properties.get("owner"):
        words.append(f"OWNER {identifier(properties['owner'])}")
    if properties.get("encoding"):
        words.append(f"ENCODING {literal(properties['encoding'])}")
    words += _locale(properties, server_version)
    if properties.get("tablespace"):
        words.append(f"TABLESPACE {identifier(properties['tablespace'])}")
    return " ".join(words)


def apply(name: str, properties: Properties) -> tuple[str, ...]:
    """Return the statements that give a database everything that CREATE DATABASE does not."""
    target = identifier(name)
    statements = [
        *_grants(target, properties),
        *_settings(target, properties.get("settings", ())),
        *(
            f"SECURITY LABEL FOR {identifier(provider)} ON DATABASE {target} IS {literal(label)}"
            for provider, label in properties.get("security_labels", ())
        ),
    ]
    if properties.get("comment"):
        statements.append(f"COMMENT ON DATABASE {target} IS {literal(properties['comment'])}")
    if properties.get("connection_limit", -1) >= 0:
        statements.append(f"ALTER DATABASE {target} CONNECTION LIMIT {int(properties['connection_limit'])}")
    if properties.get("is_template"):
        statements.append(f"ALTER DATABASE {target} IS_TEMPLATE true")
    return tuple(statements)


def identifier(name: str) -> str:
    """Quote a name."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Quote a text; sessions here have standard_conforming_strings on, so a backslash is just that."""
    return "'" + text.replace("'", "''") + "'"


def _locale(properties: Properties, server_version: tuple[int, ...]) -> list[str]:
    if not properties.get("collate"):
        return []
    words = [f"LC_COLLATE {literal(properties['collate'])}", f"LC_CTYPE {literal(properties['ctype'])}"]
    provider = properties.get("provider", "libc")
    if server_version < (15,):
        return words
    words.append(f"LOCALE_PROVIDER {provider}")
    if provider != "libc":
        words.append(f"{provider.upper()}_LOCALE {literal(properties['locale'])}")
    if properties.get("icu_rules"):
        words.append(f"ICU_RULES {literal(properties['icu_rules'])}")
    return words


def _grants(target: str, properties: Properties) -> list[str]:
    grants = properties.get("grants")
    if grants is None:
        return []
    owner = properties.get("owner", "")
    revoked = ["PUBLIC", *([identifier(owner)] if owner else [])]
    return [
        *(f"REVOKE ALL ON DATABASE {target} FROM {grantee}" for grantee in revoked),
        *(
            f"GRANT {privilege} ON DATABASE {target} TO {identifier(grantee) if grantee else 'PUBLIC'}"
            + (" WITH GRANT OPTION" if grantable else "")
            for grantee, privilege, grantable in grants
        ),
    ]


def _settings(target: str, settings: Sequence[tuple[str, Sequence[str]]]) -> list[str]:
    return [
        f"ALTER {f'ROLE {identifier(role)} IN DATABASE' if role else 'DATABASE'} {target} SET {assignment(value)}"
        for role, values in settings
        for value in values
    ]


def assignment(setting: str) -> str:
    """Return what stands after SET for a stored setting, `name=value`."""
    name, _, value = setting.partition("=")
    quoted = ".".join(identifier(part) for part in name.split("."))
    if name.lower() not in _LISTS:
        return f"{quoted} TO {literal(value)}"
    return f"{quoted} TO {', '.join(map(literal, split_names(value))) or literal('')}"


def split_names(value: str) -> list[str]:
    """Split a stored list of names, `"$user", public`, into the names themselves."""
    names, rest = [], value.strip()
    while rest:
        name, rest = _first_name(rest)
        names.append(name)
        rest = rest.lstrip().removeprefix(",").lstrip()
    return names


def _first_name(text: str) -> tuple[str, str]:
    if not text.startswith('"'):
        name, _, rest = text.partition(",")
        return name.strip(), rest
    end = 1
    while (end := text.find('"', end)) >= 0 and text[end + 1 : end + 2] == '"':
        end += 2
    end = len(text) if end < 0 else end
    return text[1:end].replace('""', '"'), text[end + 1 :]
