"""The `logging` section: how much is logged, how it looks and where it goes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator

from vya_backup.settings.section import Section

Output = Literal["console", "file", "journal"]
_TOGETHER = {"both": ("console", "file")}


def _outputs(value: Any) -> Any:
    words = (value,) if isinstance(value, str) else value
    known = {*get_args(Output), *_TOGETHER}
    if not isinstance(words, list | tuple) or not words or not all(isinstance(w, str) and w in known for w in words):
        raise ValueError("must be console, file, journal, both (console and file), or a list such as [file, journal]")
    return value if isinstance(value, str) else tuple(value)


class Logging(Section):
    """Structured logs. Console output goes to standard error."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"
    format: Literal["json", "text"] = "json"
    output: Annotated[str | tuple[str, ...], BeforeValidator(_outputs)] = "file"
    file_path: Path | None = None

    @property
    def outputs(self) -> frozenset[str]:
        """Return where lines go, each place by its own word."""
        said = (self.output,) if isinstance(self.output, str) else self.output
        return frozenset(place for word in said for place in _TOGETHER.get(word, (word,)))
