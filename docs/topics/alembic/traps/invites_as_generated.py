"""add invites

Revision ID: e5a7b9c1d3f4
Revises: c07f52d9e8b6
"""

import sqlalchemy as sa
from alembic import op

revision = "e5a7b9c1d3f4"
down_revision = "c07f52d9e8b6"
branch_labels = None
depends_on = None


# --8<-- [start:invites]
def upgrade() -> None:
    op.create_table(
        "invites",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("role", sa.Enum("member", "admin", name="role"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invites")),
    )


def downgrade() -> None:
    op.drop_table("invites")


# --8<-- [end:invites]
