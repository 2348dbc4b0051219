"""Many ids in as few calls as Amazon allows, and a bad id found by halving the batch it spoils."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Generic, NamedTuple, TypeVar

from domain.ports import AuthorisationRevoked, UpstreamError, UpstreamThrottled
from infra.amazon.calls import InvalidInput

FoundT = TypeVar("FoundT")

Read = Callable[[Sequence[str]], list[FoundT]]


class Batch(NamedTuple, Generic[FoundT]):
    """The ids of one batch, what was found, and the error that ended it."""

    ids: tuple[str, ...]
    found: list[FoundT]
    error: UpstreamError | None


def batches_of(ids: Collection[str], size: int) -> list[list[str]]:
    """Lists of up to `size` ids, in order, each id once."""
    distinct = list(dict.fromkeys(ids))
    return [distinct[place : place + size] for place in range(0, len(distinct), size)]


def batches_of_skus(skus: Collection[str], size: int) -> list[list[str]]:
    """The same; a SKU with a comma would fall apart in a list, so each is a batch of its own."""
    plain = [sku for sku in skus if "," not in sku]
    odd = [sku for sku in skus if "," in sku]
    return batches_of(plain, size) + batches_of(odd, 1)


def read_all(batches: Sequence[Sequence[str]], read: Read[FoundT]) -> list[FoundT]:
    """What all batches hold. Raises the first error; a refusal only if nothing was accepted."""
    found: list[FoundT] = []
    refusals: list[UpstreamError] = []
    for ids in batches:
        batch = read_batch(ids, read)
        if isinstance(batch.error, InvalidInput):
            refusals.append(batch.error)
        elif batch.error:
            raise batch.error
        found += batch.found
    if refusals and len(refusals) == len(batches):
        raise refusals[0]
    return found


def read_each(batches: Sequence[Sequence[str]], read: Read[FoundT]) -> Iterator[Batch[FoundT]]:
    """Batch by batch; after an error that concerns every call, the rest is told in one batch."""
    for place, ids in enumerate(batches, 1):
        batch = read_batch(ids, read)
        yield batch
        if isinstance(batch.error, AuthorisationRevoked | UpstreamThrottled):
            rest = tuple(each for ids in batches[place:] for each in ids)
            if rest:
                yield Batch(rest, [], batch.error)
            return


def read_batch(ids: Sequence[str], read: Read[FoundT]) -> Batch[FoundT]:
    """Read ids together, refused ones in halves until the bad id is alone, and leave that out.

    An error ends it, with what was found until then. The refusal is the error only if nothing at
    all was accepted: that is no answer, not an empty one.
    """
    found: list[FoundT] = []
    refusal: UpstreamError | None = None
    is_any_accepted = False
    pending = [ids]
    while pending:
        half = pending.pop()
        try:
            found += read(half)
            is_any_accepted = True
        except InvalidInput as error:
            refusal = error
            middle = len(half) // 2
            pending += [half[middle:], half[:middle]] if middle else []
        except UpstreamError as error:
            return Batch(tuple(ids), found, error)
    return Batch(tuple(ids), found, None if is_any_accepted else refusal)
