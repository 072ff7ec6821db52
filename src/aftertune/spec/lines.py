"""Read YAML with the line of every key, and refuse what a study file has no use for.

Duplicate keys, anchors, tags and very large files are refused: a study is read by people and hashed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml

from aftertune.errors import SpecError

Place = tuple[str | int, ...]
_MAX_CHARACTERS = 1_000_000


@dataclass(frozen=True, slots=True)
class Located:
    """A parsed file: plain values, and the line on which each place begins."""

    value: Any
    lines: dict[Place, int]
    name: str

    def where(self, place: Place) -> str:
        """`study.yaml:14` for a place, or for the nearest one around it."""
        for length in range(len(place), -1, -1):
            if place[:length] in self.lines:
                return f"{self.name}:{self.lines[place[:length]]}"
        return self.name


def read_yaml(text: str, name: str) -> Located:
    """Parse a YAML document.

    Raises:
        SpecError: no YAML, empty, two documents, duplicate keys, anchors or tags; with the line.
    """
    if len(text) > _MAX_CHARACTERS:
        raise SpecError(f"{name}: {len(text):,} characters is no study file", "name the study's YAML file")
    try:
        _refuse_anchors(text, name)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise _broken(error, name) from error
    except RecursionError as error:
        raise SpecError(f"{name}: nested too deeply", "a study needs about five levels") from error
    if node is None:
        raise SpecError(f"{name}: the file is empty", "run `aftertune init` for an example to start from")
    lines: dict[Place, int] = {}
    return Located(_value(node, (), lines, name), lines, name)


def _value(node: yaml.Node, place: Place, lines: dict[Place, int], name: str) -> Any:
    lines.setdefault(place, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, place, lines, name)
    if isinstance(node, yaml.SequenceNode):
        return [_value(child, (*place, index), lines, name) for index, child in enumerate(node.value)]
    return _scalar(node, name)


def _mapping(node: yaml.MappingNode, place: Place, lines: dict[Place, int], name: str) -> dict[Any, Any]:
    result: dict[Any, Any] = {}
    for key_node, child in node.value:
        key, line = _key(key_node, name), key_node.start_mark.line + 1
        if key in result:
            raise SpecError(
                f"{name}:{line}: {key!r} stands twice (first on line {lines[(*place, key)]})", "remove one of the two"
            )
        lines[(*place, key)] = line
        result[key] = _value(child, (*place, key), lines, name)
    return result


def _key(node: yaml.Node, name: str) -> str:
    if not isinstance(node, yaml.ScalarNode):
        raise SpecError(f"{name}:{node.start_mark.line + 1}: a key must be a word", "check the indentation")
    return str(node.value)


def _scalar(node: yaml.Node, name: str) -> Any:
    line = node.start_mark.line + 1
    if not node.tag.startswith("tag:yaml.org,2002:"):
        raise SpecError(f"{name}:{line}: the tag {node.tag} is not allowed", "write the plain value")
    # YAML 1.1 reads `2e-4` as text; people mean the number.
    if node.tag == "tag:yaml.org,2002:str" and getattr(node, "style", None) is None:
        return _number(node.value)
    try:
        return yaml.SafeLoader("").construct_object(node)
    except (yaml.YAMLError, ValueError) as error:
        raise SpecError(f"{name}:{line}: {node.value!r} cannot be read ({error})", "put it in quotes") from error


def _number(text: str) -> Any:
    if "e" not in text.lower() or not text[:1].isdigit():
        return text
    try:
        return float(text)
    except ValueError:
        return text


def _refuse_anchors(text: str, name: str) -> None:
    for token in yaml.scan(text, Loader=yaml.SafeLoader):
        if isinstance(token, yaml.AnchorToken | yaml.AliasToken):
            raise SpecError(
                f"{name}:{token.start_mark.line + 1}: anchors and aliases are not allowed",
                "write the values out: a study is read as it stands",
            )


def _broken(error: yaml.YAMLError, name: str) -> SpecError:
    mark = getattr(error, "problem_mark", None)
    where = f"{name}:{mark.line + 1}" if mark else name
    problem = getattr(error, "problem", None) or str(error)
    return SpecError(f"{where}: this is no valid YAML: {problem}", "check indentation, colons and quotes there")
