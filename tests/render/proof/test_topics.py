"""References are counted: how many, how new, and on what."""

import pytest

from paper_kit.core.errors import InputError
from paper_kit.render.proof.todo import Todo, todos
from paper_kit.render.proof.topics import (
    cited_keys,
    load_topics,
    reference_counts,
    reference_findings,
)
from paper_kit.render.source_map import Place, SourceMap
from tests.render.small import TEMPLATES

BIB = r"""
@IEEEtranBSTCTL{IEEEexample:BSTcontrol, CTLuse_url = "no"}
@article{old1998cnn,
  title = {{CNN}: year = 2025 in the title},
  year = {1998},
  keywords = {cnn, loss}
}
@inproceedings{new2025vit, year = 2025, keywords = "vit"}
@misc{newer2026vit,
  year = {2026}
}
@misc{unread2026, year = {2026}, keywords = {ethics}}
"""
TEX = r"""
\cite{old1998cnn, new2025vit} and \citep[see][p.~3]{newer2026vit}. % \cite{unread2026}
\nocite{unread2026}\bstctlcite{IEEEexample:BSTcontrol}\cite{absent2020}
"""
ASKED = """
cited = 3
recent = 0.5
year = 2026
[[topic]]
keyword = "cnn"
title = "convolutional networks"
[[topic]]
keyword = "vit"
title = "vision transformers"
"""


def found(topics: str) -> list[str]:
    return [finding.message for finding in reference_findings(TEX, BIB, load_topics(topics), 2026)]


def test_what_is_cited_in_the_text_is_counted_and_nothing_else():
    assert cited_keys(TEX) == ("old1998cnn", "new2025vit", "newer2026vit", "absent2020")
    counts = {count.name: count.found for count in reference_counts(TEX, BIB, load_topics(ASKED))}
    assert counts["works cited"] == "3"
    assert counts["convolutional networks"] == counts["vision transformers"] == "1"


def test_the_year_of_a_work_is_that_of_its_field():
    topics = load_topics(ASKED.replace("recent = 0.5", "recent = 0.9"))
    counts = {count.name: count.found for count in reference_counts(TEX, BIB, topics)}
    assert counts["from 2024 to 2026"] == "2 (67 %)"


def test_references_that_have_what_is_asked_for_are_no_finding():
    assert found(ASKED) == []


def test_too_few_too_old_and_missing_topics_are_told_with_what_to_do():
    asked = ASKED.replace("cited = 3", "cited = 4").replace("recent = 0.5", "recent = 0.8")
    few, old, topic = found(asked + '[[topic]]\nkeyword = "ethics"\ntitle = "ethics"\n')
    assert few.startswith("3 works are cited, but templates/topics.toml asks for 4; cite more")
    assert old.startswith("2 of 3 works cited are of the last 3 years to 2026")
    assert topic.startswith("ethics: 0 works cited, 1 asked for")
    assert "keywords = {ethics}" in topic


def test_a_topic_can_ask_for_several_works():
    assert found(ASKED.replace('"vision transformers"', '"vision transformers"\nleast = 2')) != []


def test_a_mistake_in_topics_is_told():
    with pytest.raises(InputError, match="recnt"):
        load_topics(ASKED.replace("recent", "recnt"))
    with pytest.raises(InputError, match=r"topics\.toml"):
        load_topics("cited = = 3")


def test_the_shipped_topics_all_have_entries():
    topics = load_topics((TEMPLATES / "topics.toml").read_text(encoding="utf-8"))
    bibliography = (TEMPLATES / "references.bib").read_text(encoding="utf-8")
    for topic in topics.topic:
        assert bibliography.count(topic.keyword) >= topic.least, topic.title


def test_what_the_author_has_to_write_is_listed_with_its_place():
    tex = "A.\n\\pkauthor{say {what}\n you saw}\n% \\pkauthor{old}\n5\\,\\% \\pkauthor{more}"
    lines = SourceMap(tuple(Place("a.tex", number) for number in range(11, 17)))
    assert list(todos(tex, lines)) == [Todo("a.tex:12", "say {what} you saw"), Todo("a.tex:15", "more")]


def test_without_a_year_the_last_years_end_with_the_newest_work_until_it_has_grown_old():
    topics = load_topics(ASKED.replace("year = 2026\n", ""))
    counts = {count.name: count.found for count in reference_counts(TEX, BIB, topics)}
    assert counts["from 2024 to 2026"] == "2 (67 %)"
    for year in (2026, 2027):
        assert not list(reference_findings(TEX, BIB, topics, year))
    (old,) = reference_findings(TEX, BIB, topics, 2028)
    assert old.message.startswith("the newest work cited is of 2026, and this is 2028; cite newer ones")
    assert not list(reference_findings(TEX, BIB, load_topics(ASKED), 2028))


def test_a_paper_that_cites_nothing_has_no_newest_work():
    topics = load_topics("")
    assert not list(reference_findings("", BIB, topics, 2028))
    assert reference_counts("", BIB, topics)[1].found == "0"
