from sqlalchemy import (
    CheckConstraint,
    Column,
    Enum,
    Index,
    Integer,
    MetaData,
    String,
    Table,
)

before, after = MetaData(), MetaData()

# --8<-- [start:drift]
Table(
    "plans",
    before,
    Column("id", Integer, primary_key=True),
    Column("code", String(20), nullable=True),
    Column("note", String),
    Column("seats", Integer, server_default="1"),
    Column("state", Enum("draft", "live", name="plan_state")),
)

Table(
    "plans",
    after,
    Column("id", Integer, primary_key=True),
    Column("code", String(40), nullable=False),
    Column("remark", String),
    Column("seats", Integer, server_default="5"),
    Column("state", Enum("draft", "live", "retired", name="plan_state")),
    Column("price", Integer),
    Index("ix_plans_code", "code"),
    CheckConstraint("seats > 0", name="seats_positive"),
)
# --8<-- [end:drift]
