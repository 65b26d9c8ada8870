"""PURE: pieces of SVG as text, every value escaped; numbers as short as a picture needs them."""

from __future__ import annotations

from html import escape


def tag(name: str, *content: str, **attributes: object) -> str:
    """Return an element; `class_` is `class`, other underscores are hyphens, None is left out.

    Content is markup already: text goes through `words`.
    """
    given = "".join(f' {_name(key)}="{_value(value)}"' for key, value in attributes.items() if value is not None)
    inner = "".join(content)
    return f"<{name}{given}>{inner}</{name}>" if inner else f"<{name}{given}/>"


def words(text: object) -> str:
    """Return a text as markup."""
    return escape(str(text))


def picture(width: float, height: float, label: str, *content: str, class_: str = "", stretch: bool = False) -> str:
    """Return a picture with its alternative in words; `stretch` lets it fill whatever frame it stands in."""
    return tag(
        "svg",
        *content,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {_value(width)} {_value(height)}",
        role="img",
        aria_label=label,
        class_=class_ or None,
        preserveAspectRatio="none" if stretch else None,
    )


def _name(key: str) -> str:
    return key if key in {"viewBox", "preserveAspectRatio"} else key.rstrip("_").replace("_", "-")


def _value(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.1f}".removesuffix(".0")
    return escape(str(value))
