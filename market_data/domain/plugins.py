"""Finding plug-ins by scanning their package: one file, one plug-in, no list to keep. Nothing about what they do."""

import importlib
import pkgutil
from functools import cache


@cache
def names(package: str) -> tuple[str, ...]:
    """Return the plug-ins of a package, in order of name, without importing any.

    A leading underscore marks a helper.
    """
    path = importlib.import_module(package).__path__
    return tuple(sorted(module.name for module in pkgutil.iter_modules(path) if not module.name.startswith("_")))


def offers(package: str, name: str, attribute: str) -> bool:
    """Return whether the plug-in `name` of a package defines `attribute`."""
    return hasattr(importlib.import_module(f"{package}.{name}"), attribute)


def load(package: str, name: str, attribute: str) -> object:
    """Return what the plug-in `name` of a package offers under `attribute`.

    Raises:
        LookupError: there is no such plug-in; the text lists those there are.
        TypeError: the module does not define the attribute that makes it a plug-in.
    """
    if name not in names(package):
        raise LookupError(f"no {name!r} in {package}; there are {', '.join(names(package))}")
    module = importlib.import_module(f"{package}.{name}")
    try:
        return getattr(module, attribute)
    except AttributeError as error:
        raise TypeError(f"{module.__name__} lies in {package} but defines no {attribute}") from error
