"""Finding mappings: one folder each. Code (``hooks.py``) is loaded only from folders the operator trusts."""

from __future__ import annotations

import difflib
import importlib.util
import inspect
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

from taxii_hub.errors import MappingError, UnknownFormatError
from taxii_hub.mapping.expressions import Hook
from taxii_hub.mapping.loading import load_spec, model_of
from taxii_hub.mapping.spec import Spec
from taxii_hub.settings import Settings, shipped_dir


@dataclass(frozen=True, slots=True)
class Registry:
    """The mappings of one folder by format name."""

    folder: Path
    mappings: Mapping[str, Spec]

    def get(self, name: str) -> Spec:
        """Raises UnknownFormatError naming those that are called nearly so."""
        if name not in self.mappings:
            like = difflib.get_close_matches(name, self.mappings)
            near = f"(nearly so: {', '.join(like)})" if like else f"in {self.folder}"
            raise UnknownFormatError(
                f"there is no mapping {name!r} {near}; `taxii-hub mappings list` shows those that there are"
            )
        return self.mappings[name]

    def __iter__(self) -> Iterator[Spec]:
        return iter(self.mappings[name] for name in sorted(self.mappings))


def load_registry(mappings_dir: Path, trusted: tuple[Path, ...] | None = None) -> Registry:
    """Every folder below ``mappings_dir`` that holds a ``mapping.yaml``.

    ``trusted``: folders whose code may run; by default the one that travels with the hub, which a process
    reads once. Raises MappingError for the first mapping that is wrong.
    """
    if trusted is None and mappings_dir.resolve() == shipped_dir("mappings").resolve():
        return _shipped(mappings_dir)
    return _loaded(mappings_dir, (shipped_dir("mappings"),) if trusted is None else trusted)


@cache
def _shipped(mappings_dir: Path) -> Registry:
    return _loaded(mappings_dir, (mappings_dir,))


def _loaded(mappings_dir: Path, trusted: tuple[Path, ...]) -> Registry:
    if not mappings_dir.is_dir():
        raise MappingError(f"{mappings_dir}: there is no such folder; set TAXII_HUB_MAPPINGS_DIR")
    trust = mappings_dir.resolve() in {folder.resolve() for folder in trusted}
    found = sorted(path.parent for path in mappings_dir.glob("*/mapping.yaml"))
    specs = {folder.name: load_spec(folder, _hooks(folder, trust), trusted=trust) for folder in found}
    return Registry(mappings_dir, MappingProxyType(specs))


def registry_of(settings: Settings) -> Registry:
    """The mappings that travel with the hub and, beside them, those of the operator's own folder (setting
    mappings_dir), whose code runs where mapping_code allows it. Raises MappingError, also where a name is
    taken."""
    shipped = load_registry(shipped_dir("mappings"))
    if settings.mappings_dir.resolve() == shipped.folder.resolve():
        return shipped
    allowed = (settings.mappings_dir,) if settings.mapping_code == "allow" else ()
    own = load_registry(settings.mappings_dir, allowed)
    if both := sorted(own.mappings.keys() & shipped.mappings.keys()):
        raise MappingError(
            f"{settings.mappings_dir / both[0]}: the hub has a mapping of that name; rename it"
        )
    return Registry(own.folder, MappingProxyType({**shipped.mappings, **own.mappings}))


def _hooks(folder: Path, trust: bool) -> dict[str, Hook]:
    path = folder / "hooks.py"
    if trust and not path.is_file() and (model := model_of(folder)) is not None:
        path = model / "hooks.py"
    if not trust or not path.is_file():
        return {}
    name = f"taxii_hub_mapping_{folder.name}"
    # A package, so that long hooks can be several files (`from .events import events`).
    module_spec = importlib.util.spec_from_file_location(
        name, path, submodule_search_locations=[str(path.parent)]
    )
    if module_spec is None or module_spec.loader is None:
        raise AssertionError(f"{path} is a Python file")
    module = sys.modules[name] = importlib.util.module_from_spec(module_spec)
    try:
        module_spec.loader.exec_module(module)
    except (SyntaxError, ImportError, NameError, AttributeError, TypeError, ValueError) as error:
        raise MappingError(
            f"{folder.name}/hooks.py: {type(error).__name__}: {error}; mend the code"
        ) from error
    finally:
        # Another folder may have a mapping of that name.
        for known in [known for known in sys.modules if known.partition(".")[0] == name]:
            del sys.modules[known]
    functions = inspect.getmembers(module, inspect.isfunction)
    return {
        called: made
        for called, made in functions
        if not called.startswith("_") and made.__module__.partition(".")[0] == name
    }
