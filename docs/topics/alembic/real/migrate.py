from alembic import command
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine


# --8<-- [start:migrate]
def upgrade(connection: Connection, config: Config) -> None:
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


async def migrate(engine: AsyncEngine, config: Config) -> None:
    async with engine.connect() as connection:
        await connection.run_sync(upgrade, config)


# --8<-- [end:migrate]
