"""expand: add display_name

Revision ID: 58d0e6c4f7a2
Revises: 3f1c9a7b2d10
"""

import sqlalchemy as sa
from alembic import op

# --8<-- [start:expand]
revision = "58d0e6c4f7a2"
down_revision = "3f1c9a7b2d10"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("accounts", sa.Column("display_name", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("accounts", "display_name")


# --8<-- [end:expand]
