"""Packages that proofs use and the lab lacks: to import one works, to use it skips the proof."""

import importlib.machinery
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest
from lab.errors import INSIDE

KNOWN = dict.fromkeys(sys.stdlib_module_names) | json.loads(
    Path(__file__).with_name("absent.json").read_text(encoding="utf-8")
)


class _Absent:
    """Something of an absent package: it may be named, but not used."""

    def __init__(self, package, name):
        self.__dict__.update(_package=package, __name__=name, __qualname__=name)

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return _Absent(self._package, name)

    def __mro_entries__(self, bases):
        return (Exception,)

    def __or__(self, other):
        return self  # an annotation

    __ror__ = __or__

    def _skip(self, *args, **kwargs):
        pytest.skip(f"needs {self._package}, which the lab does not have", allow_module_level=True)

    __call__ = __iter__ = __len__ = __getitem__ = __contains__ = _skip
    __lt__ = __le__ = __gt__ = __ge__ = __enter__ = __aenter__ = __await__ = _skip


class _Module(ModuleType):
    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        if name.endswith(("Error", "Exception", "Exit")):
            return type(name, (Exception,), {})
        top = self.__name__.partition(".")[0]
        return _Absent(KNOWN[top] or top, name)


def _asked_by_reader():
    """Whether a file of the bundle imports; libraries that try what is there get a plain no."""
    frame = sys._getframe(2)
    while frame and frame.f_code.co_filename.startswith("<frozen importlib"):
        frame = frame.f_back
    return frame is not None and frame.f_code.co_filename.startswith(INSIDE)


class Finder:
    """Finds the absent packages, last of all; while entered only."""

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in KNOWN or not _asked_by_reader():
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec):
        return _Module(spec.name)

    def exec_module(self, module):
        pass

    def __enter__(self):
        sys.meta_path.append(self)

    def __exit__(self, *_):
        sys.meta_path.remove(self)
        for name, module in list(sys.modules.items()):
            if isinstance(module, _Module):
                del sys.modules[name]
