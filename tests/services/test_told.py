"""Long lists of a document, made part by part: read as lists, written as the JSON they would be."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from ninefold.services.told import Told, as_json, whole

ROWS = st.lists(st.lists(st.dictionaries(st.text(), st.floats() | st.none() | st.text()), min_size=1), max_size=4)


@given(ROWS, st.integers(-20, 20), st.integers(-20, 20))
def test_it_is_the_list_of_its_parts(parts, start, stop):
    rows = [row for part in parts for row in part]
    told = Told([len(part) for part in parts], parts.__getitem__)
    assert (len(told), [*told], told[start:stop]) == (len(rows), rows, rows[start:stop])
    assert all(told[at] is rows[at] for at in range(-len(rows), len(rows)))
    document = {"a": 1.5, "": told, "b": [None]}
    assert b"".join(as_json(document)) == msgspec.json.encode({**document, "": rows})
    assert whole(document) == {**document, "": rows} and isinstance(whole(document)[""], list)


def test_what_is_written_at_once_is_a_part():
    asked = []

    def part(number):
        asked.append(number)
        return [number] * 3

    written = as_json({"rows": Told([3, 3, 3], part)})
    assert [next(written) for _ in range(3)] == [b'{"rows":', b"[", b"0,0,0"]
    assert asked == [0]
    assert b"".join(written) == b",1,1,1,2,2,2]}"
    assert b"".join(as_json({})) == b"{}"
