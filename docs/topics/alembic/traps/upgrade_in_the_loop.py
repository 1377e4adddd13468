from alembic import command
from alembic.config import Config
from sqlalchemy.ext.asyncio import AsyncEngine


async def migrate(engine: AsyncEngine, config: Config) -> None:
    command.upgrade(config, "head")
