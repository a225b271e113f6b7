from __future__ import annotations

import pytest

from gateway.scim.errors import ScimError
from gateway.scim.json_text import MAX_DEPTH, dumps, loads


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b'{"a": [1, 1.5, true, null, "x"]}', {"a": [1, 1.5, True, None, "x"]}),
        (b"\xef\xbb\xbf{}", {}),
        (b'{"a": 1, "A": 2}', {"a": 1, "A": 2}),
        (rb'{"a": "say \"hi\"", "b": "\\"}', {"a": 'say "hi"', "b": "\\"}),
        (rb'{"a": "\ud83d\ude00 \u0022"}', {"a": '\U0001f600 "'}),
        (b'{"a": {"b": 1}, "c": {"b": 1}}', {"a": {"b": 1}, "c": {"b": 1}}),
        (b'{"a": 9223372036854775807}', {"a": 9223372036854775807}),
        (b'"text"', "text"),
    ],
)
def test_json_is_read(text: bytes, value: object) -> None:
    assert loads(text) == value


@pytest.mark.parametrize(
    ("text", "culprit"),
    [
        (b"", "The body is empty"),
        (b" \n", "The body is empty"),
        (b'{"acve": tre, ', "line 1, column 10"),
        (b'{"a": 1,}', "trailing comma"),
        (b"{'a': 1}", "line 1, column 2"),
        (b'{"a": 1} {}', "line 1, column 10"),
        (b'{"a": NaN}', "line 1, column 7"),
        (b'{"a": Infinity}', "line 1, column 7"),
        (b'{"a": ' + b"9" * 5000 + b"}", "line 1, column 7"),
        (b'{"a": 1e999}', "line 1, column 7"),
        (rb'{"a": "\ud800"}', "surrogate"),
        (rb'{"\udc00": 1}', "surrogate"),
        (b'{"a": "\xed\xa0\x80"}', "not UTF-8: byte 0xed at offset 7"),
        (b'{"a": "\xff"}', "not UTF-8: byte 0xff at offset 7"),
        ('{"a": 1}'.encode("utf-16"), "not UTF-8"),
        (b'{"a": "\x01"}', "control character"),
        (b'{"a": 1, "b": 2, "a": 3}', "'a' occurs twice"),
        (b'{"a": {"b": "x", "b": "y"}}', "'b' occurs twice"),
        (rb'{"a\"": 1, "a\"": 1}', "occurs twice"),
        (rb'{"a": 1, "\u0061": 2}', "'a' occurs twice"),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "deeper than 64"),
        (b'{"a":' * (MAX_DEPTH + 1) + b"1" + b"}" * (MAX_DEPTH + 1), "deeper than 64"),
        (b"[" * 1_000_000, "depth limit"),
    ],
)
def test_text_that_is_no_json_is_refused_with_the_culprit(text: bytes, culprit: str) -> None:
    with pytest.raises(ScimError) as raised:
        loads(text)
    assert (raised.value.status, raised.value.scim_type) == (400, "invalidSyntax")
    assert culprit in raised.value.detail


def test_scalars_may_stand_at_the_greatest_depth() -> None:
    loads(b"[" * MAX_DEPTH + b'1, "x", null' + b"]" * MAX_DEPTH)


def test_many_members_take_linear_time() -> None:
    names = b",".join(b'"%d": 1' % number for number in range(100_000))
    with pytest.raises(ScimError, match="'99999' occurs twice"):
        loads(b"{" + names + b', "99999": 1}')


def test_json_is_written_as_utf_8_without_white_space() -> None:
    assert dumps({"a": ["ä", None, True]}) == '{"a":["ä",null,true]}'.encode()
