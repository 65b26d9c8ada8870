"""A configuration as a tree whose every value knows where it was written.

The rule: nothing is judged here but the YAML itself; a value keeps its origin wherever it is moved to.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vya_backup.settings.problems import Origin, Problem

if TYPE_CHECKING:
    import yaml

DEEPEST = 20  # an alias that contains itself would otherwise be followed for ever


@dataclass(frozen=True)
class Node:
    """One value: a dict or list of nodes, or a scalar; `text` is how a scalar was spelled."""

    value: Any
    origin: Origin
    text: str = ""

    def plain(self) -> Any:
        """Return the value without origins."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value

    def find(self, location: tuple[int | str, ...]) -> tuple[Node, tuple[int | str, ...]]:
        """Return the deepest node on the way to the location, and the rest of the way that has no node."""
        if location and isinstance(self.value, dict | list):
            try:
                return self.value[location[0]].find(location[1:])  # type: ignore[index, no-any-return]
            except (KeyError, IndexError, TypeError):
                pass
        return self, location

    def get(self, *location: int | str) -> Node | None:
        """Return the node at the location, or None."""
        node, rest = self.find(location)
        return None if rest else node


def grown(value: Any, origin: Origin) -> Node:
    """Return a tree for plain values that were all written in one place; keys are appended to the origin's."""
    if isinstance(value, dict):
        return Node({str(key): grown(item, origin.below(str(key))) for key, item in value.items()}, origin)
    if isinstance(value, list):
        return Node([grown(item, origin.below(number)) for number, item in enumerate(value)], origin)
    return Node(value, origin, "" if value is None else str(value))


def merged(under: Node, over: Node) -> Node:
    """Return both trees as one; where both say something, `over` wins. Lists are replaced as a whole."""
    if not (isinstance(under.value, dict) and isinstance(over.value, dict)):
        return over
    both = dict(under.value)
    for key, node in over.value.items():
        both[key] = merged(both[key], node) if key in both else node
    return Node(both, under.origin)


def read_yaml(path: Path, problems: list[Problem]) -> Node:
    """Read a YAML file whose top is a mapping; what is wrong is appended to `problems`."""
    import yaml

    origin = Origin(str(path), 1)
    try:
        top = yaml.compose(path.read_text(encoding="utf-8-sig"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        if top is None:
            return Node({}, origin)
        if isinstance(top, yaml.MappingNode):
            return _Reader(str(path), problems).node(top, origin)
        problems.append(Problem(origin, "must be sections such as `storage:` with their keys below them"))
    except yaml.MarkedYAMLError as error:
        problems.append(_syntax(error, origin))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = error.reason if isinstance(error, UnicodeDecodeError | yaml.reader.ReaderError) else "is no YAML"
        problems.append(Problem(origin, f"cannot be read as UTF-8 text: {reason}; save it as UTF-8"))
    except OSError as error:
        problems.append(Problem(Origin(str(path)), f"cannot be read: {error.strerror}"))
    return Node({}, origin)


def _syntax(error: yaml.MarkedYAMLError, origin: Origin) -> Problem:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else None
    context = f" {error.context}" if error.context else ""
    remedy = "check indentation (spaces, no tabs), colons and quotes around it"
    return Problem(Origin(origin.source, line), f"is no valid YAML: {error.problem}{context}; {remedy}")


class _Reader:
    """Turns composed YAML into nodes."""

    def __init__(self, source: str, problems: list[Problem]) -> None:
        import yaml

        self._source = source
        self._problems = problems
        self._constructor = yaml.constructor.SafeConstructor()

    def node(self, node: yaml.Node, origin: Origin, depth: int = 0) -> Node:
        import yaml

        if depth > DEEPEST:
            self._problems.append(Problem(origin, "is nested too deeply; does an alias contain itself?"))
            return Node(None, origin)
        if isinstance(node, yaml.MappingNode):
            return Node(dict(self._pairs(node, origin, depth)), origin)
        if isinstance(node, yaml.SequenceNode):
            items = enumerate(node.value)
            return Node([self.node(item, self._at(origin, n, item), depth + 1) for n, item in items], origin)
        return self._scalar(node, origin)

    def _pairs(self, node: yaml.MappingNode, origin: Origin, depth: int) -> Iterator[tuple[str, Node]]:
        self._refuse_twins(node, origin)
        self._constructor.flatten_mapping(node)  # `<<: *alias`
        for key, value in node.value:
            name = str(key.value)
            yield name, self.node(value, self._at(origin, name, key), depth + 1)

    def _refuse_twins(self, node: yaml.MappingNode, origin: Origin) -> None:
        lines: dict[str, int] = {}
        for key, _ in node.value:
            name, line = str(key.value), key.start_mark.line + 1
            if name in lines and name != "<<":
                twin = f"is given twice, in line {lines[name]} and here; remove one"
                self._problems.append(Problem(self._at(origin, name, key), twin))
            lines[name] = line

    def _scalar(self, node: yaml.Node, origin: Origin) -> Node:
        import yaml

        try:
            return Node(self._constructor.construct_object(node), origin, str(node.value))
        except yaml.YAMLError:
            self._problems.append(Problem(origin, f"has the unknown YAML tag {node.tag}; remove it"))
            return Node(None, origin)
        except ValueError:  # a date that does not exist, for example
            return Node(str(node.value), origin, str(node.value))

    def _at(self, origin: Origin, step: int | str, node: yaml.Node) -> Origin:
        below = origin.below(step)
        return Origin(self._source, node.start_mark.line + 1, below.key)
