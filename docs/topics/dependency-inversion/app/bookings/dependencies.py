from typing import Annotated

from fastapi import Depends, Request

from app.bookings.policy import Policy
from app.bookings.ports import Clock, Notifier
from app.bookings.service import BookingService
from app.bookings.sql import SqlUnitOfWork
from app.bookings.unit_of_work import UnitOfWork


def get_work(request: Request) -> UnitOfWork:
    return SqlUnitOfWork(request.app.state.sessions)


def get_policy(request: Request) -> Policy:
    return request.app.state.policy


def get_clock(request: Request) -> Clock:
    return request.app.state.clock


def get_notifier(request: Request) -> Notifier:
    return request.app.state.notifier


def get_service(
    work: Annotated[UnitOfWork, Depends(get_work)],
    policy: Annotated[Policy, Depends(get_policy)],
    clock: Annotated[Clock, Depends(get_clock)],
    notifier: Annotated[Notifier, Depends(get_notifier)],
) -> BookingService:
    return BookingService(work, policy, clock, notifier)


ServiceDep = Annotated[BookingService, Depends(get_service)]
