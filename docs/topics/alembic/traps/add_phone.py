"""add phone

Revision ID: a4e19c03b7d8
Revises: c07f52d9e8b6
"""

import sqlalchemy as sa
from alembic import op

revision = "a4e19c03b7d8"
down_revision = "c07f52d9e8b6"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("accounts", sa.Column("phone", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("accounts", "phone")
