from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError

import pytest

from demo.session import MAX_VISITORS, Session, Sessions
from fmnist_core.errors import ConfigError

SHIPPED = Session("the shipped network", "its map")


def own(name):
    return Session(f"network of {name}", f"map of {name}")


def test_everybody_begins_with_the_shipped_network():
    sessions = Sessions(SHIPPED)
    assert sessions.shipped is SHIPPED
    assert sessions.get("anna") is SHIPPED
    assert sessions.get("") is SHIPPED


def test_visitors_are_separate():
    sessions = Sessions(SHIPPED)
    annas, berts = own("anna"), own("bert")
    sessions.put("anna", annas)
    assert sessions.get("bert") is SHIPPED
    sessions.put("bert", berts)
    assert sessions.get("anna") is annas
    assert sessions.get("bert") is berts
    assert sessions.get("anna ") is SHIPPED
    assert sessions.shipped is SHIPPED


def test_the_latest_network_of_a_visitor_answers():
    sessions = Sessions(SHIPPED)
    sessions.put("anna", own("anna"))
    sessions.put("anna", latest := own("anna"))
    assert sessions.get("anna") is latest


def test_dropping_one_leaves_the_others():
    sessions = Sessions(SHIPPED)
    for name in ("anna", "bert"):
        sessions.put(name, own(name))
    sessions.drop("anna")
    assert sessions.get("anna") is SHIPPED
    assert sessions.get("bert") is not SHIPPED
    sessions.drop("anna")
    sessions.drop("nobody")
    assert sessions.get("bert") is not SHIPPED


def kept(sessions, names):
    """Those of ``names`` who have a session of their own; asking is use, so it comes last in a test."""
    return [name for name in names if sessions.get(name) is not SHIPPED]


def test_the_one_unused_for_longest_is_forgotten():
    sessions = Sessions(SHIPPED, most=3)
    for name in "abcd":
        sessions.put(name, own(name))
    assert kept(sessions, "abcd") == ["b", "c", "d"]


@pytest.mark.parametrize("use", [lambda s: s.get("a"), lambda s: s.put("a", own("a"))], ids=["asked", "trained again"])
def test_use_keeps_a_session(use):
    sessions = Sessions(SHIPPED, most=3)
    for name in "abc":
        sessions.put(name, own(name))
    use(sessions)
    sessions.put("d", own("d"))
    assert kept(sessions, "abcd") == ["a", "c", "d"]


def test_asking_for_a_stranger_forgets_nobody():
    sessions = Sessions(SHIPPED, most=2)
    for name in "ab":
        sessions.put(name, own(name))
    for stranger in range(10):
        sessions.get(f"stranger {stranger}")
    assert kept(sessions, "ab") == ["a", "b"]


def test_dropping_makes_room():
    sessions = Sessions(SHIPPED, most=2)
    for name in "ab":
        sessions.put(name, own(name))
    sessions.drop("a")
    sessions.put("c", own("c"))
    assert kept(sessions, "abc") == ["b", "c"]


def test_many_visitors_at_once():
    sessions = Sessions(SHIPPED, most=20)
    names = [f"visitor {number}" for number in range(50)]

    def visit(name):
        mine = own(name)
        for _ in range(200):
            sessions.put(name, mine)
            assert sessions.get(name) in (mine, SHIPPED)
        return name

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(visit, names)) == names
    assert len(kept(sessions, names)) == 20


def test_memory_is_bounded_by_default():
    sessions = Sessions(SHIPPED)
    names = [str(number) for number in range(MAX_VISITORS + 5)]
    for name in names:
        sessions.put(name, own(name))
    assert kept(sessions, names) == names[5:]


def names_of(sessions, visitor):
    return sessions.get(visitor).name, getattr(sessions.own(visitor), "name", None)


def test_a_visitor_chooses_among_the_shipped_ones_and_their_own():
    deep, small = Session("deep network", "map", "deep"), Session("small network", "map", "original")
    sessions = Sessions(deep, [small])
    sessions.choose("anna", "original")
    assert sessions.get("anna") is small
    assert sessions.get("bert") is deep
    with pytest.raises(ConfigError, match="There is no network 'yours', expected one of deep, original"):
        sessions.choose("anna", "yours")
    sessions.put("anna", mine := own("anna"))
    assert sessions.get("anna") is mine
    sessions.choose("anna", "deep")
    assert names_of(sessions, "anna") == ("deep", "yours")
    sessions.choose("anna", "yours")
    assert sessions.get("anna") is mine
    sessions.drop("anna")
    assert names_of(sessions, "anna") == ("deep", None)


def test_a_map_that_comes_late_changes_nobodys_choice():
    sessions = Sessions(Session("deep network", "map", "deep"))
    sessions.complete("anna", own("nobody's"))
    assert sessions.own("anna") is None
    sessions.put("anna", own("anna"))
    sessions.choose("anna", "deep")
    sessions.complete("anna", late := own("anna, with a map"))
    assert names_of(sessions, "anna") == ("deep", "yours")
    assert sessions.own("anna") is late
    sessions.choose("anna", "yours")
    sessions.complete("anna", later := own("anna, with another map"))
    assert sessions.get("anna") is later


def test_mere_choices_push_out_nobodys_network():
    small = Session("small network", "map", "original")
    sessions = Sessions(SHIPPED, [small], most=3)
    sessions.put("anna", mine := own("anna"))
    for number in range(10):
        sessions.choose(f"visitor {number}", "original")
    assert sessions.get("anna") is mine
    assert sum(sessions.get(f"visitor {number}") is small for number in range(10)) == 2


@pytest.mark.parametrize("name", ["", "DEEP", "<img>", "x" * 1000])
def test_a_network_that_is_none(name):
    with pytest.raises(ConfigError, match="There is no network"):
        Sessions(SHIPPED).choose("anna", name)


def test_a_session_cannot_change():
    # The network and the map belong together: a new network comes with a session of its own.
    with pytest.raises(FrozenInstanceError):
        SHIPPED.network = "another"
