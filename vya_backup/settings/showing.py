"""The configuration as `config show` prints it.

The rule: nothing secret is in it, whatever the operator wrote where; the credentials store is named, never opened.
"""

from __future__ import annotations

import json
import re
from typing import Any

from vya_backup.redaction import MASK
from vya_backup.settings.model import Configuration

_URL_ACCOUNT = re.compile(r"(?<=://)[^/@\s]+(?=@)")
_ADDRESS_ALONE = re.compile(r"^(https?://[^/?#]+).+")  # whoever knows the rest of a ping's address can send pings
_QUERY_SECRET = re.compile(r"(?i)(?<=[?&])((?:token|key|secret|password|auth)[^=&]*)=[^&\s]*")


def as_data(configuration: Configuration) -> dict[str, Any]:
    """Return plain JSON values: every section with every key, defaults too, accounts in URLs masked."""
    plain = configuration.model_dump(mode="json")
    pings = plain["notifications"]["pings"]
    pings |= {key: _ADDRESS_ALONE.sub(rf"\1/{MASK}", pings[key]) for key in pings if key.endswith("_url")}
    masked = _masked(plain)
    if not isinstance(masked, dict):  # a model always dumps as one
        raise TypeError(type(masked).__name__)
    return masked


def as_yaml(configuration: Configuration) -> str:
    """Return the configuration as YAML that loads again, save for what is masked."""
    import yaml

    return yaml.safe_dump(as_data(configuration), sort_keys=False, allow_unicode=True, default_flow_style=False)


def as_json(configuration: Configuration) -> str:
    """Return the configuration as indented JSON."""
    return json.dumps(as_data(configuration), indent=2, ensure_ascii=False)


def _masked(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _masked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_masked(item) for item in value]
    if isinstance(value, str):
        return _QUERY_SECRET.sub(rf"\1={MASK}", _URL_ACCOUNT.sub(MASK, value))
    return value
