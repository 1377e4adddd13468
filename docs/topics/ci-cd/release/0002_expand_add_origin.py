import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


# --8<-- [start:expand]
def upgrade() -> None:
    op.add_column("teas", sa.Column("origin", sa.String(60)))


# --8<-- [end:expand]
def downgrade() -> None:
    op.drop_column("teas", "origin")
