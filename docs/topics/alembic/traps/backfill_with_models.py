"""backfill: copy name into display_name

Revision ID: 7ab2c41e9d35
Revises: 58d0e6c4f7a2
"""

from alembic import op
from models import Account
from sqlalchemy import select
from sqlalchemy.orm import Session

revision = "7ab2c41e9d35"
down_revision = "58d0e6c4f7a2"
branch_labels = None
depends_on = None


# --8<-- [start:backfill]
def upgrade() -> None:
    session = Session(op.get_bind())
    for account in session.scalars(select(Account)):
        account.display_name = account.name
    session.flush()


# --8<-- [end:backfill]
def downgrade() -> None:
    """Leave the copies: the old code does not read them."""
