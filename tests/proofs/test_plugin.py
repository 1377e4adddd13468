"""The plugin in real runs of pytest over real bundles."""

from __future__ import annotations

from tests.proofs.tearoom import Tearoom

PROOFS = """\
import os
import sys

import main
from leaf import LEAF


async def test_the_client_asks_this_bundles_app(client, bundle_dir):
    answer = (await client.get("/")).json()
    assert answer["leaf"] == LEAF == bundle_dir.name
    assert answer["kettle"] == "hot"
    assert sys.modules["main"] is main
    assert os.getcwd() == str(bundle_dir)


async def test_an_exception_is_a_500(client):
    assert (await client.get("/spill")).status_code == 500


async def test_any_app_gets_a_client(client_for):
    async with client_for(main.app, headers={"x-cup": "large"}) as http:
        assert (await http.get("/")).json()["headers"]["x-cup"] == "large"


def test_a_copy_may_be_written_to(workdir, bundle_dir):
    (workdir / "cup.txt").write_text("full")
    assert (workdir / "main.py").read_bytes() == (bundle_dir / "main.py").read_bytes()
"""


def test_bundles_run_together_and_each_sees_its_own_modules(tearoom: Tearoom) -> None:
    tearoom.add("green-tea", test_main_py=PROOFS)
    tearoom.add("black-tea", test_main_py=PROOFS)
    before = tearoom.files()
    run = tearoom.pytest("docs/topics")
    assert run.code == 0, run.text
    assert "8 passed" in run.text
    assert tearoom.files() == before


def test_pytest_works_inside_a_bundle(tearoom: Tearoom) -> None:
    folder = tearoom.add("green-tea", test_main_py=PROOFS)
    run = tearoom.pytest(folder=folder)
    assert run.code == 0, run.text
    assert "4 passed" in run.text


def test_an_app_may_be_a_folder(tearoom: Tearoom) -> None:
    folder = tearoom.add(
        "green-tea",
        test_main_py="""\
            from app.main import app

            async def test_it(client):
                assert (await client.get("/")).json()["leaf"] == "green-tea"
        """,
    )
    (folder / "app").mkdir()
    (folder / "main.py").rename(folder / "app" / "main.py")
    run = tearoom.pytest("docs/topics/green-tea")
    assert run.code == 0, run.text


def test_other_tests_do_not_notice_the_plugin(tearoom: Tearoom) -> None:
    test = tearoom.project.root / "tests" / "test_other.py"
    test.parent.mkdir()
    test.write_text(
        "import sys\n"
        "def test_nothing_changed(): assert not sys.dont_write_bytecode\n"
        "def test_no_fixture(client): pass\n",
        encoding="utf-8",
    )
    run = tearoom.pytest("tests", PYTHONDONTWRITEBYTECODE="")
    assert "1 passed, 1 error" in run.text
    assert "fixture 'client' not found" in run.text


def test_a_file_left_in_the_bundle_fails_the_test_that_left_it(tearoom: Tearoom) -> None:
    tearoom.add(
        "green-tea",
        test_main_py="""\
            def test_tidy(): pass
            def test_untidy(): open("cups.db", "w").close()
        """,
    )
    run = tearoom.pytest("docs/topics")
    assert "test_untidy" in run.text
    message = "left cups.db in the bundle. Write to tmp_path, or run in `workdir`."
    assert message in run.text
    assert "2 passed, 1 error" in run.text


def test_a_bundle_that_needs_its_own_process_is_left_out_of_a_run_of_several(
    tearoom: Tearoom,
) -> None:
    tearoom.add("green-tea", test_main_py="def test_it(): pass\n")
    tearoom.add(
        "black-tea",
        test_main_py="def test_it(): pass\n",
        bundle_yml="own_process: true\n",
    )
    together = tearoom.pytest("docs/topics")
    assert "left out, it runs alone: black-tea" in together.text
    assert "1 passed" in together.text
    alone = tearoom.pytest("docs/topics/black-tea")
    assert "1 passed" in alone.text
