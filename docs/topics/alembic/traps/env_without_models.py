import os
from logging.config import fileConfig

from alembic import context

# --8<-- [start:import]
from base import Base

# --8<-- [end:import]
from sqlalchemy import Connection, NullPool, create_engine

url = os.environ.get("DATABASE_URL", "sqlite:///app.db")


def migrate(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=Base.metadata)
    with context.begin_transaction():
        context.run_migrations()


fileConfig(context.config.config_file_name, disable_existing_loggers=False)
with create_engine(url, poolclass=NullPool).connect() as connection:
    migrate(connection)
