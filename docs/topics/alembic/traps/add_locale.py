"""add locale

Revision ID: b6f20d14c8e9
Revises: c07f52d9e8b6
"""

import sqlalchemy as sa
from alembic import op

revision = "b6f20d14c8e9"
down_revision = "c07f52d9e8b6"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("accounts", sa.Column("locale", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("accounts", "locale")
