import os
from logging.config import fileConfig

from alembic import context
from models import Base
from sqlalchemy import NullPool, engine_from_config

fileConfig(context.config.config_file_name, disable_existing_loggers=False)
# --8<-- [start:url]
config = context.config
config.set_main_option("sqlalchemy.url", os.environ["DATABASE_URL"])
section = config.get_section(config.config_ini_section, {})
engine = engine_from_config(section, poolclass=NullPool)
# --8<-- [end:url]
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=Base.metadata)
    with context.begin_transaction():
        context.run_migrations()
