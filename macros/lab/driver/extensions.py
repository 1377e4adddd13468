"""Lets a stand-in for a compiled package hand out modules of its own."""

from importlib.machinery import ExtensionFileLoader

MADE = {}
_create = ExtensionFileLoader.create_module


def create_module(self, spec):
    """Import a library; where its start asked a stand-in for the module, return that one."""
    try:
        return _create(self, spec)
    except SystemError:  # "did not return a valid extension module": it is plain Python
        if spec.name not in MADE:
            raise
        return MADE.pop(spec.name)


def install():
    """Make importing look among the modules that stand-ins have made."""
    ExtensionFileLoader.create_module = create_module
