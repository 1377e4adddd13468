import os
from logging.config import fileConfig

from alembic import context
from models import Base
from sqlalchemy import Connection, NullPool, create_engine, text

url = os.environ.get("DATABASE_URL", "sqlite:///app.db")


# --8<-- [start:migrate]
def migrate(connection: Connection) -> None:
    connection.execute(text("SET lock_timeout = '2s'"))
    context.configure(connection=connection, target_metadata=Base.metadata)
    with context.begin_transaction():
        context.run_migrations()


# --8<-- [end:migrate]
fileConfig(context.config.config_file_name, disable_existing_loggers=False)
with create_engine(url, poolclass=NullPool).connect() as connection:
    migrate(connection)
