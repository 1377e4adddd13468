"""add role

Revision ID: e5a7b9c1d3f4
Revises: c07f52d9e8b6
"""

import sqlalchemy as sa
from alembic import op

revision = "e5a7b9c1d3f4"
down_revision = "c07f52d9e8b6"
branch_labels = None
depends_on = None


def upgrade() -> None:
    role = sa.Enum("member", "admin", name="role")
    op.add_column("accounts", sa.Column("role", role, nullable=True))


def downgrade() -> None:
    op.drop_column("accounts", "role")
