"""Whose turn it is, with work that does nothing."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from demo.fair_queue import Busy, FairQueue, Replaced

DEADLINE = 60.0


def run(exercise):
    """Run a coroutine function to its end, in another thread: this one may have an event loop of its own."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(asyncio.wait_for(exercise(), DEADLINE))).result()


class Held:
    """A queue whose threads are all at work until ``go``; what is asked for meanwhile waits."""

    def __init__(self, at_once=1, **options):
        self.queue = FairQueue(at_once, **options)
        self.done = []  # in the order in which it was done
        self._go = threading.Event()
        self._first = [self._start("first", lambda: self._go.wait(DEADLINE)) for _ in range(at_once)]

    def _start(self, visitor, work):
        return asyncio.ensure_future(self.queue.run(visitor, work))

    async def ask(self, visitor, *works):
        """Ask for these, one after the other; gives what they will come to."""
        asked = []
        for work in works:
            asked.append(self._start(visitor, lambda work=work: self.done.append(work) or work))
            await asyncio.sleep(0)  # so that it lines up
        return asked

    async def go(self, *asked):
        """Let all be done; gives the results and errors."""
        self._go.set()
        await asyncio.gather(*self._first)
        return [await each for each in (asyncio.gather(*group, return_exceptions=True) for group in asked)]


def test_work_is_done_in_another_thread_and_its_result_or_error_comes_back():
    async def exercise():
        queue = FairQueue(2)
        assert await queue.run("anna", threading.get_ident) != threading.get_ident()
        for _ in range(5):  # more often than there are threads: each comes back from an error
            with pytest.raises(KeyError):
                await queue.run("anna", lambda: {}["x"])
        assert await queue.run("anna", lambda: 5) == 5

    run(exercise)


def test_visitors_take_turns_and_each_one_s_work_keeps_its_order():
    async def exercise():
        held = Held()
        anna = await held.ask("anna", "a1", "a2", "a3", "a4")
        bert = await held.ask("bert", "b1", "b2")
        carl = await held.ask("carl", "c1")
        await held.go(anna, bert, carl)
        return held.done

    assert run(exercise) == ["a1", "b1", "c1", "a2", "b2", "a3", "a4"]


def test_the_newest_takes_the_place_of_the_older_one_of_the_same_visitor():
    async def exercise():
        held = Held(latest_only=True)
        anna = await held.ask("anna", "a1")
        bert = await held.ask("bert", "b1")
        anna += await held.ask("anna", "a2", "a3")
        return held.done, await held.go(anna, bert)

    done, (anna, bert) = run(exercise)
    assert done == ["a3", "b1"]  # in the place that anna had before bert came
    assert [type(each) for each in anna[:2]] == [Replaced, Replaced]
    assert (anna[2], bert) == ("a3", ["b1"])


def test_however_many_ask_nobody_is_refused_without_a_limit():
    async def exercise():
        held = Held(at_once=2, latest_only=True)
        asked = [await held.ask(f"visitor {number}", number) for number in range(200)]
        assert held.queue.waiting == 200
        await held.go(*asked)
        assert held.queue.waiting == 0
        return held.done

    assert sorted(run(exercise)) == list(range(200))


@pytest.mark.parametrize(
    ("limits", "expected"),
    [({"max_waiting": 3}, 3), ({"max_waiting_each": 2}, 4), ({"max_waiting": 3, "max_waiting_each": 1}, 2)],
)
def test_what_comes_beside_too_much_is_refused_at_once(limits, expected):
    async def exercise():
        held = Held(**limits)
        asked = [await held.ask(visitor, 1, 2, 3) for visitor in ("anna", "bert")]
        refused = [each for group in asked for each in group if each.done()]
        for each in refused:
            with pytest.raises(Busy, match="Many people are here"):
                await each
        await held.go(*asked)
        assert await held.ask("anna", "again")  # there is room again
        return len(held.done)

    assert run(exercise) == expected


def test_what_waits_for_nothing_is_not_refused():
    async def exercise():
        return await FairQueue(1, max_waiting=0, max_waiting_each=0).run("anna", lambda: 5)

    assert run(exercise) == 5


def test_what_waits_for_too_long_is_refused_and_leaves_its_place():
    async def exercise():
        held = Held(max_seconds=0.01)
        asked = await held.ask("anna", "a1", "a2")
        for each in asked:
            with pytest.raises(Busy):
                await each
        assert held.queue.waiting == 0
        await held.go()
        assert await held.queue.run("anna", lambda: 5) == 5
        return held.done

    assert run(exercise) == []


@pytest.mark.parametrize("is_called", [False, True], ids=["waiting", "just called"])
def test_who_goes_leaves_their_place_to_others(is_called):
    async def exercise():
        held = Held()
        (anna,) = await held.ask("anna", "a1")
        bert = await held.ask("bert", "b1")
        if is_called:
            held.queue._leave()  # which calls anna, who has not heard of it yet
        anna.cancel()
        with pytest.raises(asyncio.CancelledError):
            await anna
        if is_called:
            held.queue._free -= 1
        await held.go(bert)
        assert held.queue.waiting == 0
        assert held.queue._free == 1
        return held.done

    assert run(exercise) == ["b1"]


def test_who_is_going_is_not_called():
    """A place is given up at once, not a turn of the loop later: called in between, a thread would be lost."""

    async def exercise():
        held = Held(max_seconds=DEADLINE)
        (anna,), (bert,) = await held.ask("anna", 1), await held.ask("bert", 2)
        anna.cancel()
        await asyncio.sleep(0)
        assert held.queue.waiting == 1
        assert await held.go([bert]) == [[2]]
        assert await held.queue.run("carl", lambda: 3) == 3
        assert anna.cancelled()

    run(exercise)
