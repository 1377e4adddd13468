"""switch: require display_name, stop requiring name

Revision ID: 9e64b8f0a1c3
Revises: 7ab2c41e9d35
"""

import sqlalchemy as sa
from alembic import op

revision = "9e64b8f0a1c3"
down_revision = "7ab2c41e9d35"
branch_labels = None
depends_on = None


# --8<-- [start:switch]
def upgrade() -> None:
    with op.batch_alter_table("accounts") as table:
        table.alter_column(
            "display_name", existing_type=sa.String(), nullable=False
        )
        table.alter_column("name", existing_type=sa.String(), nullable=True)


def downgrade() -> None:
    op.execute("UPDATE accounts SET name = display_name WHERE name IS NULL")
    with op.batch_alter_table("accounts") as table:
        table.alter_column("name", existing_type=sa.String(), nullable=False)
        table.alter_column("display_name", existing_type=sa.String(), nullable=True)


# --8<-- [end:switch]
