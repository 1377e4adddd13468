"""add plan

Revision ID: f60718293a4b
Revises: c07f52d9e8b6
"""

import sqlalchemy as sa
from alembic import op

revision = "f60718293a4b"
down_revision = "c07f52d9e8b6"
branch_labels = None
depends_on = None


# --8<-- [start:plan]
def upgrade() -> None:
    op.add_column("accounts", sa.Column("plan", sa.String(), nullable=False))


# --8<-- [end:plan]
def downgrade() -> None:
    op.drop_column("accounts", "plan")
