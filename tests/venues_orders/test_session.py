"""What is sent is written where it is sent, and not a turn of the loop later."""

import asyncio

import pytest

from ninefold.venues.session import begun


def test_work_that_does_not_wait_is_done_once_it_is_begun():
    said = []

    async def write():
        said.append("written")

    async def both():
        rest = begun(write())
        assert said == ["written"]
        await asyncio.create_task(rest)

    asyncio.run(both())
    assert said == ["written"]


def test_work_that_waits_goes_on_when_the_socket_takes_more():
    said = []

    async def write(room):
        for _ in range(2):
            said.append(await room.get())

    async def both():
        room = asyncio.Queue()
        task = asyncio.create_task(begun(write(room)))
        for part in ("one", "two"):
            await asyncio.sleep(0)
            room.put_nowait(part)
        await task

    asyncio.run(both())
    assert said == ["one", "two"]


@pytest.mark.parametrize(
    ("ends", "as_told"),
    [
        (lambda task, gone: gone.set_exception(OSError("gone")), OSError),
        (lambda task, gone: task.cancel(), asyncio.CancelledError),
    ],
)
def test_work_that_waits_is_told_of_a_socket_that_is_gone_and_of_its_own_end(ends, as_told):
    told = []

    async def write(gone):
        try:
            await gone
        except (OSError, asyncio.CancelledError) as error:
            told.append(type(error))

    async def both():
        gone = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(begun(write(gone)))
        await asyncio.sleep(0)
        ends(task, gone)
        await task

    asyncio.run(both())
    assert told == [as_told]
