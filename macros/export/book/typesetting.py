"""Sets a text with Typst as a tagged PDF that declares PDF/UA-1, and packs it small."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pikepdf
import typst

from macros.export.job import ExportError

FONTS = "font_source_sans_pro"  # the package that carries the static fonts of the text


def typeset(source: Path, into: Path) -> None:
    """Compile a Typst file; Typst refuses missing labels, glyphs, and pictures without words."""
    into.parent.mkdir(parents=True, exist_ok=True)
    try:
        made = typst.compile(
            source,
            root=source.parent,
            font_paths=[fonts()],
            ignore_system_fonts=True,
            pdf_standards=["ua-1"],
        )
    except typst.TypstError as error:
        raise ExportError(f"{source}: {error.message}\n{error.trace}") from None
    into.write_bytes(made)
    pack(into)


def fonts() -> Path:
    """Return the folder of the text's fonts."""
    found = importlib.util.find_spec(FONTS)
    if found is None or not found.submodule_search_locations:
        raise ExportError(
            f"The package {FONTS} is not installed. Run `make export`, which installs it."
        )
    return Path(found.submodule_search_locations[0]) / "files"


def pack(file: Path) -> None:
    """Rewrite a PDF with compressed object streams, the same bytes every time."""
    with pikepdf.open(file, allow_overwriting_input=True) as pdf:
        pdf.save(
            file,
            object_stream_mode=pikepdf.ObjectStreamMode.generate,
            compress_streams=True,
            recompress_flate=True,
            deterministic_id=True,
        )
