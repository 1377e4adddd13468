"""backfill: copy name into display_name

Revision ID: 7ab2c41e9d35
Revises: 58d0e6c4f7a2
"""

import sqlalchemy as sa
from alembic import op

revision = "7ab2c41e9d35"
down_revision = "58d0e6c4f7a2"
branch_labels = None
depends_on = None

# --8<-- [start:backfill]
accounts = sa.table(
    "accounts", sa.column("id"), sa.column("name"), sa.column("display_name")
)


def upgrade() -> None:
    op.execute(
        accounts.update()
        .where(accounts.c.display_name.is_(None))
        .values(display_name=accounts.c.name)
    )


def downgrade() -> None:
    """Leave the copies: the old code does not read them."""


# --8<-- [end:backfill]
