"""Finds the files that ship with the package: the catalog's SQL and the example configuration."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
CHECKOUT = PACKAGE.parent


def resource(relative: str) -> Path:
    """Return the path of a shipped file or folder, such as `catalog/views`, in a checkout or in an installed copy.

    Raises:
        FileNotFoundError: the package is incomplete.
    """
    for root in (PACKAGE / "_resources", CHECKOUT):
        if (root / relative).exists():
            return root / relative
    raise FileNotFoundError(f"{relative} is missing from the installed package")


def is_checkout() -> bool:
    """Say whether the package runs from a source tree with its `dodo.py` beside it."""
    return (CHECKOUT / "dodo.py").is_file()
