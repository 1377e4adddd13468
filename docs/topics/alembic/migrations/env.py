import os
from logging.config import fileConfig

from alembic import context
from models import Base
from sqlalchemy import Connection, NullPool, create_engine

# --8<-- [start:env]
url = os.environ.get("DATABASE_URL", "sqlite:///app.db")


def migrate(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=Base.metadata)
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    context.configure(url=url, target_metadata=Base.metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
elif connection := context.config.attributes.get("connection"):
    migrate(connection)
else:
    fileConfig(context.config.config_file_name, disable_existing_loggers=False)
    with create_engine(url, poolclass=NullPool).connect() as connection:
        migrate(connection)
# --8<-- [end:env]
