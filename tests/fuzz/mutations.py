"""Files that were changed by chance or by malice, as strategies of hypothesis."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import strategies as st

TOKENS = [
    b"\x00", b"\xff\xfe", b"\xed\xa0\x80", b"\x1b[31m", b"'", b'"', b"{", b"}", b"[", b"]", b"=", b"\n",
    b",", b"nan", b"-inf", b"1e999", b"-1", b"0", b"9" * 400, b"9" * 5000, b"[" * 4000, b"a" * 4000, b"true",
    b"null", b"../../etc/passwd", b"canary", b"canary:build", b"nest.canary:build", b"os:system", b":",
    b"a..b:c", b"/", b"__import__('os').system('true')", b"$(touch x)", b"%s%n", b"{{7*7}}", b"\\VAR{x}",
    b"${HOME}", "\u202e\ud7ff\U0001f600".encode(),
]  # fmt: skip
VALUES: list[Any] = [
    None, True, -1, 0, 10**30, -(10**400), 1.5, float("nan"), float("inf"), "", "x", "../../etc/passwd",
    "canary:build", "nest.canary:build", "\x00", "\x1b[2J", "a" * 5000, [], {}, [[]], [None], ["canary"],
    {"name": "canary"}, {"a": {"b": {"c": []}}}, [0] * 300, {"": ""},
]  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn, seeds: list[bytes], most: int = 6) -> bytes:
    """One of the seeds after a few changes: bytes cut, doubled, moved, replaced, or tokens put in."""
    data = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(0, most))):
        size = len(data)
        start, length = draw(st.integers(0, size)), draw(st.integers(0, 40))
        match draw(st.integers(0, 6)):
            case 0:
                del data[start : start + length]
            case 1:
                data[start:start] = data[start : start + length] * draw(st.integers(1, 30))
            case 2:
                data[start:start] = draw(st.sampled_from(TOKENS))
            case 3:
                data[start : start + length] = draw(st.sampled_from(TOKENS))
            case 4:
                data[start : start + 4] = draw(st.binary(min_size=1, max_size=8))
            case 5:
                del data[start:]
            case 6 if size:
                data[start % size] ^= 1 << draw(st.integers(0, 7))
    return bytes(data)


@st.composite
def changed_json(draw: st.DrawFn, value: Any, most: int = 3) -> Any:
    """The value of JSON with a few of its parts replaced, renamed, taken away or added."""
    value = json.loads(json.dumps(value))
    for _ in range(draw(st.integers(1, most))):
        holders = [holder for holder in _holders(value) if holder]
        if not holders:
            return draw(st.sampled_from(VALUES))
        holder = draw(st.sampled_from(holders))
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        key = draw(st.sampled_from(keys))
        match draw(st.integers(0, 4)):
            case 0 | 1:
                holder[key] = copy.deepcopy(draw(st.sampled_from(VALUES)))  # it may be changed in its turn
            case 2:
                del holder[key]
            case 3 if isinstance(holder, dict):
                holder[draw(st.sampled_from(["canary", "__class__", "", "id", "name"]))] = holder.pop(key)
            case _:
                other = draw(st.sampled_from(holders))
                holder[key] = json.loads(json.dumps(other))
    return value


def _holders(value: Any) -> list[Any]:
    found = []
    left = [value]
    while left:
        item = left.pop()
        if isinstance(item, dict | list):
            found.append(item)
            left += item.values() if isinstance(item, dict) else item
    return found
