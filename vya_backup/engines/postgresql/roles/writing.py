"""PURE: writes what is to be so of a role as statements, as every server from 13 on takes them.

The rule: names and texts are always quoted, and an option is only said where it was said before.
"""

from __future__ import annotations

from vya_backup.engines.postgresql.properties import identifier, literal
from vya_backup.engines.postgresql.roles.statements import Attributes, Membership, Setting


def granted(one: Membership) -> str:
    """Return the GRANT of a membership, which says what it has; ADMIN is only taken away by `revoked`."""
    said = ["ADMIN OPTION"] if one.admin else []
    if one.inherit is not None:
        said += [f"INHERIT {str(one.inherit).upper()}", f"SET {str(one.set is not False).upper()}"]
    options = f" WITH {', '.join(said)}" if said else ""
    return f"GRANT {identifier(one.role)} TO {identifier(one.member)}{options}{_by(one)}"


def revoked(one: Membership, *, admin_only: bool = False) -> str:
    """Return the REVOKE of a membership, or of its ADMIN option."""
    what = "ADMIN OPTION FOR " if admin_only else ""
    return f"REVOKE {what}{identifier(one.role)} FROM {identifier(one.member)}{_by(one)}"


def altered(wanted: Attributes, live: Attributes, *, password: bool = True) -> str:
    """Return the ALTER ROLE that makes one role's attributes another's, its password only where it is known.

    It says only what differs, since a server lets only a superuser say NOSUPERUSER. Empty where nothing differs.
    """
    words = [name.upper() if on else f"NO{name.upper()}" for name, on in wanted.flags.items() if on != live.flags[name]]
    words += [f"CONNECTION LIMIT {wanted.limit}"] if wanted.limit != live.limit else []
    if password and wanted.password != live.password:
        words.append("PASSWORD NULL" if wanted.password is None else f"PASSWORD {literal(wanted.password)}")
    # There is no word that takes an expiry away; for ever is the same.
    until = wanted.valid_until or (live.valid_until and "infinity")
    words += [f"VALID UNTIL {literal(until)}"] if until and until != live.valid_until else []
    return f"ALTER ROLE {identifier(wanted.role)} WITH {' '.join(words)}" if words else ""


def assigned(one: Setting) -> str:
    """Return the ALTER ROLE of a setting."""
    return f"{_place(one)} SET {_parameter(one)} TO {', '.join(map(literal, one.values))}"


def reset(one: Setting) -> str:
    """Return what takes a setting back."""
    return f"{_place(one)} RESET {_parameter(one)}"


def _place(one: Setting) -> str:
    within = f" IN DATABASE {identifier(one.database)}" if one.database else ""
    return f"ALTER ROLE {identifier(one.role)}{within}"


def _parameter(one: Setting) -> str:
    return ".".join(map(identifier, one.parameter.split(".")))


def _by(one: Membership) -> str:
    return f" GRANTED BY {identifier(one.grantor)}" if one.grantor else ""
