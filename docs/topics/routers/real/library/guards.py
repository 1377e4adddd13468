from typing import Annotated

from fastapi import Depends, Header, HTTPException

MEMBERS = {"key-of-ada": "ada", "key-of-grace": "grace"}
STAFF = {"grace"}


def current_member(x_key: Annotated[str, Header()] = "") -> str:
    if x_key not in MEMBERS:
        raise HTTPException(401, "Unknown key")
    return MEMBERS[x_key]


Member = Annotated[str, Depends(current_member)]


def staff_only(member: Member) -> None:
    if member not in STAFF:
        raise HTTPException(403, "Staff only")
