from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError, replace

import pytest

from demo.limits import Limits
from demo.session import Record, Session, Sessions
from fmnist_core.errors import ConfigError

DEEP = Session("the deep network", "its map", "deep", "deep")
ORIGINAL = Session("the original network", "its map", "original", "original")


def own(visitor):
    return Session(f"network of {visitor}", f"map of {visitor}")


def shipped_only(max_visitors=200):
    return Sessions([DEEP], Limits(visitors=max_visitors))


def test_everybody_begins_with_the_first_shipped_network():
    sessions = Sessions([DEEP, ORIGINAL])
    assert sessions.default is DEEP
    assert sessions.shipped == (DEEP, ORIGINAL)
    assert sessions.get("anna") is DEEP
    assert sessions.get("") is DEEP


def test_visitors_are_separate():
    sessions = Sessions([DEEP])
    annas, berts = own("anna"), own("bert")
    annas = sessions.put("anna", annas)
    assert sessions.get("bert") is DEEP
    berts = sessions.put("bert", berts)
    assert sessions.get("anna") is annas
    assert sessions.get("bert") is berts
    assert sessions.get("anna ") is DEEP
    assert sessions.default is DEEP


def test_the_latest_network_of_a_visitor_answers():
    sessions = Sessions([DEEP])
    first = sessions.put("anna", own("anna"))
    latest = sessions.put("anna", own("anna"))
    assert sessions.get("anna") is latest
    assert sessions.own("anna") == (first, latest)


def test_every_network_that_answers_has_a_number_of_its_own():
    numbers = [session.number for session in (DEEP, ORIGINAL, own("anna"), own("anna"))]
    assert len(set(numbers)) == len(numbers)


def test_what_a_visitor_has_trained_is_called_so():
    sessions = Sessions([DEEP])
    session = sessions.put("anna", own("anna"))
    assert (session.id, session.name) == ("yours-1", "your network 1")
    assert session.network == "network of anna"
    assert sessions.put("anna", own("anna")).id == "yours-2"
    sessions.forget("anna", "yours-2")
    assert sessions.put("anna", own("anna")).id == "yours-3"  # an id is never used twice
    assert sessions.put("bert", own("bert")).id == "yours-1"


def test_the_latest_few_networks_of_a_visitor_are_remembered():
    sessions = Sessions([DEEP], Limits(visitor_networks=2))
    for _ in range(4):
        sessions.put("anna", own("anna"))
    assert list(sessions.known("anna")) == ["deep", "yours-3", "yours-4"]


def test_one_network_is_forgotten():
    sessions = Sessions([DEEP, ORIGINAL])
    first = sessions.put("anna", own("anna"))
    second = sessions.put("anna", own("anna"))
    sessions.forget("bert", first.id)  # which is not his
    sessions.forget("anna", first.id)
    assert sessions.own("anna") == (second,)
    assert sessions.get("anna") is second
    sessions.forget("anna", second.id)
    assert sessions.own("anna") == ()
    assert sessions.get("anna") is DEEP
    sessions.choose("anna", "original")
    sessions.forget("anna", "original")  # a shipped one cannot be forgotten
    assert sessions.get("anna") is ORIGINAL


def test_too_many_networks_push_out_the_visitor_unused_for_longest():
    sessions = Sessions([DEEP, ORIGINAL], Limits(networks=4))
    sessions.choose("chooser", "original")
    for visitor in "aabbc":
        sessions.put(visitor, own(visitor))
    assert [len(sessions.own(visitor)) for visitor in "abc"] == [0, 2, 1]
    assert sessions.get("chooser") is ORIGINAL


def test_dropping_one_leaves_the_others():
    sessions = Sessions([DEEP])
    for visitor in ("anna", "bert"):
        sessions.put(visitor, own(visitor))
    sessions.drop("anna")
    assert sessions.get("anna") is DEEP
    assert sessions.get("bert") is not DEEP
    sessions.drop("anna")
    sessions.drop("nobody")
    assert sessions.get("bert") is not DEEP


# --- memory is bounded ----------------------------------------------------------------------------------------------


def remembered(sessions, visitors):
    """Those of ``visitors`` who have a network of their own; asking is use, so it comes last in a test."""
    return [visitor for visitor in visitors if sessions.get(visitor) is not DEEP]


def test_the_one_unused_for_longest_is_forgotten():
    sessions = shipped_only(max_visitors=3)
    for visitor in "abcd":
        sessions.put(visitor, own(visitor))
    assert remembered(sessions, "abcd") == ["b", "c", "d"]


@pytest.mark.parametrize(
    "use", [lambda sessions: sessions.get("a"), lambda sessions: sessions.put("a", own("a"))], ids=["asked", "trained"]
)
def test_one_in_use_is_remembered(use):
    sessions = shipped_only(max_visitors=3)
    for visitor in "abc":
        sessions.put(visitor, own(visitor))
    use(sessions)
    sessions.put("d", own("d"))
    assert remembered(sessions, "abcd") == ["a", "c", "d"]


def test_asking_for_a_stranger_forgets_nobody():
    sessions = shipped_only(max_visitors=2)
    for visitor in "ab":
        sessions.put(visitor, own(visitor))
    for stranger in range(10):
        sessions.get(f"stranger {stranger}")
    assert remembered(sessions, "ab") == ["a", "b"]


def test_dropping_makes_room():
    sessions = shipped_only(max_visitors=2)
    for visitor in "ab":
        sessions.put(visitor, own(visitor))
    sessions.drop("a")
    sessions.put("c", own("c"))
    assert remembered(sessions, "abc") == ["b", "c"]


def test_many_visitors_at_once():
    sessions = shipped_only(max_visitors=20)
    visitors = [f"visitor {number}" for number in range(50)]

    def visit(visitor):
        for _ in range(200):
            mine = sessions.put(visitor, own(visitor))
            assert sessions.get(visitor) in (mine, DEEP)
        return visitor

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(visit, visitors)) == visitors
    assert len(remembered(sessions, visitors)) == 20


def test_memory_is_bounded_by_default():
    sessions = Sessions([DEEP])
    visitors = [str(number) for number in range(Limits().visitors + 5)]
    for visitor in visitors:
        sessions.put(visitor, own(visitor))
    assert remembered(sessions, visitors) == visitors[5:]


def test_mere_choices_push_out_nobodys_network():
    sessions = Sessions([DEEP, ORIGINAL], Limits(visitors=3))
    mine = sessions.put("anna", own("anna"))
    for number in range(10):
        sessions.choose(f"visitor {number}", "original")
    assert sessions.get("anna") is mine
    assert [number for number in range(10) if sessions.get(f"visitor {number}") is ORIGINAL] == [8, 9]


# --- choosing -------------------------------------------------------------------------------------------------------


def ids_of(sessions, visitor):
    """Of the network that answers the visitor, and of their own ones."""
    return sessions.get(visitor).id, [each.id for each in sessions.own(visitor)]


def test_a_visitor_chooses_among_the_shipped_ones_and_their_own():
    sessions = Sessions([DEEP, ORIGINAL])
    sessions.choose("anna", "original")
    assert sessions.get("anna") is ORIGINAL
    assert sessions.get("bert") is DEEP
    with pytest.raises(ConfigError, match="There is no network 'yours-1', expected one of deep, original"):
        sessions.choose("anna", "yours-1")
    mine = sessions.put("anna", own("anna"))
    assert sessions.get("anna") is mine
    sessions.choose("anna", "deep")
    assert ids_of(sessions, "anna") == ("deep", ["yours-1"])
    sessions.choose("anna", "yours-1")
    assert sessions.get("anna") is mine
    sessions.drop("anna")
    assert ids_of(sessions, "anna") == ("deep", [])


def test_a_network_is_chosen_by_its_id_not_by_its_name():
    given = Session("a network of the same name", "its map", "given", "original")
    sessions = Sessions([given, DEEP, ORIGINAL])
    sessions.choose("anna", "original")
    assert sessions.get("anna") is ORIGINAL
    sessions.choose("anna", "given")
    assert sessions.get("anna") is given


def test_a_late_map_changes_nobodys_choice():
    sessions = Sessions([DEEP])
    sessions.complete("anna", own("nobody's"))
    assert sessions.own("anna") == ()
    other = sessions.put("anna", own("anna"))
    mine = sessions.put("anna", own("anna"))
    sessions.choose("anna", "deep")
    late = replace(mine, projection="a map")
    sessions.complete("anna", late)
    assert ids_of(sessions, "anna") == ("deep", ["yours-1", "yours-2"])
    assert [each.projection for each in sessions.own("anna")] == [other.projection, "a map"]
    sessions.choose("anna", "yours-2")
    later = replace(mine, projection="another map")
    sessions.complete("anna", later)
    assert (sessions.get("anna").id, sessions.get("anna").projection) == ("yours-2", "another map")
    sessions.forget("anna", "yours-2")
    sessions.complete("anna", late)
    assert sessions.own("anna") == (other,)


@pytest.mark.parametrize("id", ["", "DEEP", "yours", "<img>", "x" * 1000, "\ud800"])
def test_an_unknown_network(id):
    with pytest.raises(ConfigError, match="There is no network") as error:
        Sessions([DEEP]).choose("anna", id)
    assert len(str(error.value).encode()) < 150


def test_a_session_cannot_change():
    # The network and the map belong together: a new network comes with a session of its own.
    with pytest.raises(FrozenInstanceError):
        DEEP.network = "another"


def test_a_network_is_renamed_everywhere():
    sessions = Sessions([DEEP])
    first = sessions.put("anna", own("anna"))
    record = Record(None, first.name, images=60, accuracy=0.6, sketches=0.4, seconds=3.5)
    second = sessions.put("anna", replace(own("anna"), record=record))
    sessions.put("bert", own("bert"))
    sessions.rename("anna", first.id, "Large steps")
    sessions.rename("anna", second.id, "Small steps")
    sessions.rename("anna", second.id, "Small steps")  # as it is called already
    assert [each.name for each in sessions.own("anna")] == ["Large steps", "Small steps"]
    assert sessions.get("anna").name == "Small steps"
    assert sessions.get("anna").record == replace(record, init_from="Large steps")
    assert [each.number for each in sessions.own("anna")] == [first.number, second.number]  # the same networks
    assert sessions.get("bert").name == "your network 1"
    # The map that comes later does not bring the old name back.
    assert sessions.complete("anna", replace(second, projection="another map"))
    assert (sessions.get("anna").name, sessions.get("anna").projection) == ("Small steps", "another map")
    assert sessions.get("anna").record.init_from == "Large steps"


@pytest.mark.parametrize(
    ("visitor", "id", "name", "sentence"),
    [
        ("anna", "deep", "mine", "There is no network 'deep' among those that you have trained."),
        ("bert", "yours-1", "mine", "There is no network 'yours-1' among those that you have trained."),
        ("anna", "yours-1", "deep", "There is a network 'deep' already, expected another name."),
        ("anna", "yours-1", "your network 2", "There is a network 'your network 2' already, expected another name."),
    ],
)
def test_a_network_that_cannot_be_renamed(visitor, id, name, sentence):
    sessions = Sessions([DEEP])
    for _ in range(2):
        sessions.put("anna", own("anna"))
    with pytest.raises(ConfigError, match=f"^{sentence}$"):
        sessions.rename(visitor, id, name)
    assert [each.name for each in sessions.own("anna")] == ["your network 1", "your network 2"]
