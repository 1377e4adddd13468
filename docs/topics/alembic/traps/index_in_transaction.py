"""index bio

Revision ID: 0b1d2f3a4c5e
Revises: c07f52d9e8b6
"""

from alembic import op

revision = "0b1d2f3a4c5e"
down_revision = "c07f52d9e8b6"
branch_labels = None
depends_on = None


# --8<-- [start:index]
def upgrade() -> None:
    op.create_index(
        "ix_accounts_bio", "accounts", ["bio"], postgresql_concurrently=True
    )


# --8<-- [end:index]
def downgrade() -> None:
    op.drop_index("ix_accounts_bio", "accounts")
