"""A contact sheet of one page: phone and desktop, light and dark, and as printed."""

from __future__ import annotations

import io
from pathlib import Path
from tempfile import TemporaryDirectory

import pypdfium2
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, sync_playwright

from macros.problems import report
from macros.project import Project
from macros.tools import browser
from macros.tools.build import build_pages
from macros.tools.static_server import serving

WIDTHS = {"phone": 390, "desktop": 1280}
STRIP = {"phone": 390, "desktop": 760, "print": 560}  # width of one strip on the sheet, pixels
TALL = 1800  # height of a strip on the sheet, pixels
GAP = 16


def look(project: Project, page: str) -> int:
    """Write the sheet of a topic or page (id, or path as in the address); return 0 if done."""
    with TemporaryDirectory(prefix="look-") as site:
        return _look(project, page, Path(site))


def _look(project: Project, page: str, site: Path) -> int:
    problems = build_pages(project, site, strict=False)
    if problems:
        print(report(problems))
        return 1
    address = _address(site, page)
    if address is None:
        print(f"no page '{page}' in the built site: use a topic's id or a path such as levels/x")
        return 1
    into = project.root / ".cache" / "look" / (page.strip("/").replace("/", "-") or "home")
    into.mkdir(parents=True, exist_ok=True)
    shots: dict[str, Image.Image] = {}
    with serving(site) as root, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=browser.ensure(), args=list(browser.FLAGS)
        )
        for name, width in WIDTHS.items():
            for scheme in ("light", "dark"):
                print(f"  {name} {scheme}", flush=True)
                shots[f"{name}-{scheme}"] = _shot(chromium, root + address, width, scheme)
        print("  print", flush=True)
        shots["print"] = _printed(chromium, root + address)
        chromium.close()
    for name, image in shots.items():
        image.save(into / f"{name}.png")
    sheet = into / "sheet.png"
    _sheet(shots).save(sheet, optimize=True)
    print(f"wrote {project.relative(sheet)} and each picture beside it")
    return 0


def _address(site: Path, page: str) -> str | None:
    page = page.strip("/")
    for candidate in (f"topics/{page}/", f"{page}/" if page not in {"", "home"} else ""):
        if (site / candidate / "index.html").is_file():
            return candidate
    return page if page and (site / page).is_file() else None


def _shot(chromium: Browser, url: str, width: int, scheme: str) -> Image.Image:
    # A context of its own: the theme stores the palette on first load.
    context = chromium.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if scheme == "dark" else "light",
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.goto(url, wait_until="networkidle")
    image = Image.open(io.BytesIO(page.screenshot(full_page=True, type="png"))).convert("RGB")
    context.close()
    return image


def _printed(chromium: Browser, url: str) -> Image.Image:
    context = chromium.new_context(reduced_motion="reduce")
    page = context.new_page()
    page.goto(url, wait_until="networkidle")
    document = pypdfium2.PdfDocument(page.pdf(format="A4", print_background=True))
    context.close()
    pages = [one.render(scale=1.4).to_pil().convert("RGB") for one in document]
    tall = Image.new("RGB", (pages[0].width, sum(one.height + GAP for one in pages)), "#888888")
    top = 0
    for one in pages:
        tall.paste(one, (0, top))
        top += one.height + GAP
    return tall


def _sheet(shots: dict[str, Image.Image]) -> Image.Image:
    strips: list[tuple[str, Image.Image]] = []
    for name, shot in shots.items():
        width = STRIP[name.split("-")[0]]
        scaled = shot.resize((width, max(1, shot.height * width // shot.width)))
        for number, top in enumerate(range(0, scaled.height, TALL), start=1):
            strip = scaled.crop((0, top, width, min(top + TALL, scaled.height)))
            strips.append((f"{name} {number}", strip))
    rows: list[list[tuple[str, Image.Image]]] = []
    for name in shots:
        rows.append([strip for strip in strips if strip[0].rsplit(" ", 1)[0] == name])
    wide = max(sum(image.width + GAP for _, image in row) for row in rows) + GAP
    tall = sum(max(image.height for _, image in row) + 2 * GAP + 8 for row in rows) + GAP
    sheet = Image.new("RGB", (wide, tall), "#bbbbbb")
    pen = ImageDraw.Draw(sheet)
    top = GAP
    for row in rows:
        left = GAP
        for label, image in row:
            pen.text((left, top), label, fill="#000000")
            sheet.paste(image, (left, top + GAP))
            left += image.width + GAP
        top += max(image.height for _, image in row) + 2 * GAP + 8
    return sheet
