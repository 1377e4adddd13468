import sqlalchemy as sa
from alembic import op

# --8<-- [start:parent]
revision = "0002b"
down_revision = "0001"
# --8<-- [end:parent]


def upgrade() -> None:
    op.add_column("teas", sa.Column("stock", sa.Integer))


def downgrade() -> None:
    op.drop_column("teas", "stock")
