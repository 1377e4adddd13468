from alembic import op

revision = "0002"
down_revision = "0001"


# --8<-- [start:rename]
def upgrade() -> None:
    op.alter_column("teas", "cents", new_column_name="price")


# --8<-- [end:rename]
def downgrade() -> None:
    op.alter_column("teas", "price", new_column_name="cents")
