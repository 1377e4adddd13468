import asyncio
import os
from logging.config import fileConfig

from alembic import context
from models import Base
from sqlalchemy import Connection, NullPool, func, select
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

# --8<-- [start:env]
URL = os.environ["DATABASE_URL"]
LOCK_TIMEOUT = os.environ.get("MIGRATION_LOCK_TIMEOUT", "2s")
TURN = 5022  # any number, the same for everything that migrates this database


def migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        transaction_per_migration=True,
        compare_server_default=True,
        autogenerate_plugins=[
            "alembic.autogenerate.*",
            "alembic.ext.checkconstraint_byname",
        ],
    )
    with context.begin_transaction():
        context.run_migrations()


async def take_turn(connection: AsyncConnection) -> None:
    while not await connection.scalar(select(func.pg_try_advisory_lock(TURN))):
        await connection.rollback()
        await asyncio.sleep(0.5)
    await connection.execute(
        select(func.set_config("lock_timeout", LOCK_TIMEOUT, False))
    )
    await connection.commit()


async def main() -> None:
    engine = create_async_engine(URL, poolclass=NullPool)
    async with engine.connect() as connection:
        await take_turn(connection)
        await connection.run_sync(migrate)
    await engine.dispose()


if context.is_offline_mode():
    context.configure(url=URL, target_metadata=Base.metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
elif connection := context.config.attributes.get("connection"):
    migrate(connection)
else:
    fileConfig(context.config.config_file_name, disable_existing_loggers=False)
    asyncio.run(main())
# --8<-- [end:env]
