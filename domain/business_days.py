"""Japan's business calendar, by which reviews are promised: no weekend, holiday or year's end."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import jpholiday

JST = timezone(timedelta(hours=9), "JST")
_YEAR_END = {(12, 29), (12, 30), (12, 31), (1, 1), (1, 2), (1, 3)}
"""行政機関の休日に関する法律 第1条."""


def is_business_day(day: date) -> bool:
    is_closed = day.weekday() >= 5 or (day.month, day.day) in _YEAR_END
    return not is_closed and not jpholiday.is_holiday(day)


def business_day_after(moment: datetime, days: int) -> date:
    """The business day so many after the one, in Japan, that the moment falls on."""
    day = moment.astimezone(JST).date()
    while days > 0:
        day += timedelta(days=1)
        days -= is_business_day(day)
    return day


def business_days_between(begin: datetime, end: datetime) -> int:
    """Business days of Japan after the day of `begin`, up to and with that of `end`."""
    day, last = begin.astimezone(JST).date(), end.astimezone(JST).date()
    return sum(is_business_day(day + timedelta(days=n)) for n in range(1, (last - day).days + 1))
