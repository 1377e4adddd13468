"""contract: drop name

Revision ID: c07f52d9e8b6
Revises: 9e64b8f0a1c3
"""

import sqlalchemy as sa
from alembic import op

revision = "c07f52d9e8b6"
down_revision = "9e64b8f0a1c3"
branch_labels = None
depends_on = None


# --8<-- [start:contract]
def upgrade() -> None:
    op.drop_column("accounts", "name")


def downgrade() -> None:
    op.add_column("accounts", sa.Column("name", sa.String(), nullable=True))
    op.execute("UPDATE accounts SET name = display_name")


# --8<-- [end:contract]
