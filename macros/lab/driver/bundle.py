"""The reader's files: written to a folder of their own, imported fresh on every run."""

import importlib
import os
import shutil
import sys
from pathlib import Path

TOPICS = Path("/docs/topics")


class Bundle:
    """A topic's folder as the reader has edited it."""

    def __init__(self, topic, files):
        self.folder = TOPICS / topic
        self._forget()
        for name, text in files.items():
            path = (self.folder / name).resolve()
            if not path.is_relative_to(self.folder):
                raise ValueError(f"{name} lies outside the folder")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        os.chdir(self.folder)

    def load(self, entry):
        """Import the app that `module:name` says; LookupError if the module lacks it."""
        module, _, name = entry.partition(":")
        sys.path.insert(0, str(self.folder))
        importlib.invalidate_caches()
        found = importlib.import_module(module)
        try:
            return getattr(found, name)
        except AttributeError:
            file = module.replace(".", "/") + ".py"
            error = LookupError(f"{file} has no `{name}`. Put the app there: {name} = …")
            error.file = file
            raise error from None

    def _forget(self):
        """Remove every trace of the files and modules of earlier runs."""
        inside = f"{TOPICS}/"
        sys.path[:] = [place for place in sys.path if not f"{place}/".startswith(inside)]
        for name, module in list(sys.modules.items()):
            attributes = getattr(module, "__dict__", None) or {}
            places = [attributes.get("__file__"), *(attributes.get("__path__") or ())]
            if any(str(place).startswith(inside) for place in places if place):
                del sys.modules[name]
        os.chdir("/")
        shutil.rmtree(TOPICS, ignore_errors=True)
        self.folder.mkdir(parents=True)
