"""Reading the feeds file as YAML: text, lines and names. What its stanzas mean is judged by the models.

Light enough to be asked for a feed's name before the models are imported, with pydantic and all the sources.
"""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import yaml

from market_data.domain.errors import ConfigurationError


class _Loader(yaml.SafeLoader):
    """YAML whose plain scalars stay text: the symbol NO is no boolean, 1000 no number, a bad date no traceback.

    The models turn text into numbers and days, and say what they expected.
    """


_Loader.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in resolvers if tag == "tag:yaml.org,2002:null"]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _no_key_twice(loader: yaml.SafeLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[str] = set()
    for key, _ in node.value:
        if key.value in seen:
            raise ConfigurationError(
                f"{key.start_mark.name}:{key.start_mark.line + 1}: {key.value!r} stands here a second time; "
                "expected each name once"
            )
        seen.add(key.value)
    return yaml.SafeLoader.construct_mapping(loader, node, deep=True)  # pyright: ignore[reportUnknownMemberType]


_Loader.add_constructor("tag:yaml.org,2002:map", _no_key_twice)


def read_feeds_file(path: Path) -> tuple[Any, yaml.Node | None]:
    """Return the document, and its nodes, which know their lines. Of a file that did not change it is the same again.

    Raises:
        ConfigurationError: it cannot be read, or is not YAML.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read ({error.strerror}); MARKET_DATA_CONFIG names it") from error
    return _parsed(text, str(path))


def must_be_a_feed(path: Path, name: str) -> None:
    """Refuse a name that no stanza has, before anything is made of the file. All else that is wrong the models tell.

    Raises:
        ConfigurationError: there is no such feed; the text lists those there are.
    """
    try:
        document, _ = read_feeds_file(path)
    except ConfigurationError:
        return
    feeds = document.get("feeds") if isinstance(document, Mapping) else None
    if isinstance(feeds, Mapping) and name not in feeds:
        raise ConfigurationError(f"{path} has no feed {name!r}; expected one out of {', '.join(map(str, feeds))}")


@lru_cache(maxsize=1)
def _parsed(text: str, name: str) -> tuple[Any, yaml.Node | None]:
    try:
        loader = _Loader(text)
        loader.name = name
        node = loader.get_single_node()
        return (loader.construct_document(node) if node else None), node  # pyright: ignore[reportUnknownMemberType]
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{name}: is not YAML: {' '.join(str(error).split())}") from error


def line_of(node: yaml.Node | None, keys: list[str]) -> int:
    """Return the line of the deepest key that stands in the file, from 1."""
    line = 1
    for key in keys:
        if isinstance(node, yaml.MappingNode):
            found = [(k, v) for k, v in node.value if k.value == key]
            if not found:
                return line
            line, node = found[0][0].start_mark.line + 1, found[0][1]
        elif isinstance(node, yaml.SequenceNode) and key.isdigit() and int(key) < len(node.value):
            node = cast("yaml.Node", node.value[int(key)])
            line = node.start_mark.line + 1
        else:
            return line
    return line
