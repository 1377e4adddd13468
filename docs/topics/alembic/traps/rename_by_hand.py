"""rename bio to about

Revision ID: d1c3a5e7f902
Revises: c07f52d9e8b6
"""

from alembic import op

revision = "d1c3a5e7f902"
down_revision = "c07f52d9e8b6"
branch_labels = None
depends_on = None


# --8<-- [start:rename]
def upgrade() -> None:
    op.alter_column("accounts", "bio", new_column_name="about")


def downgrade() -> None:
    op.alter_column("accounts", "about", new_column_name="bio")


# --8<-- [end:rename]
