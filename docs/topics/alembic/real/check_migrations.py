from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

# --8<-- [start:checks]
config = Config(Path(__file__).parents[1] / "alembic.ini")


def test_history_has_one_head() -> None:
    assert len(ScriptDirectory.from_config(config).get_heads()) == 1


def test_every_step_goes_up_down_and_up_again() -> None:
    revisions = ScriptDirectory.from_config(config).walk_revisions()
    for revision in reversed(list(revisions)):
        command.upgrade(config, revision.revision)
        command.downgrade(config, "-1")
        command.upgrade(config, revision.revision)


def test_models_and_migrations_agree() -> None:
    command.upgrade(config, "head")
    command.check(config)


# --8<-- [end:checks]
