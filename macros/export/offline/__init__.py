"""The offline copy: the site as a folder that opens by double click, as one zip."""

from macros.export.offline.copy import write

__all__ = ["write"]
