"""`paperkit watch`: a save builds again, the page shows it, and only this machine may read it."""

import http.client
import json
import shutil
import threading
from contextlib import closing
from pathlib import Path

import pytest

from paper_kit.core.errors import InputError
from paper_kit.render.watch.board import Board, Leaf, first_lines
from paper_kit.render.watch.builder import build_and_show, saves
from paper_kit.render.watch.server import Server
from paper_kit.render.watch.sources import changed, snapshot

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = ROOT / "paper" / "examples" / "fer2013_small" / "paper.pdf"
needs_poppler = pytest.mark.skipif(shutil.which("pdftoppm") is None, reason="needs poppler: make tex")


@pytest.fixture
def study(tmp_path):
    (tmp_path / "templates" / "sections").mkdir(parents=True)
    (tmp_path / "paper").mkdir()
    (tmp_path / "paper" / "paper.toml").write_text("")
    (tmp_path / "templates" / "manuscript.tex").write_text("words")
    return tmp_path


@pytest.fixture
def served(tmp_path):
    """(server, get): get(path below the token, host, **headers) -> (status, headers, body)."""
    board = Board()
    server = Server(0, tmp_path, board)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def get(path, host="", token=server.token, **headers):
        port = server.server_address[1]
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        with closing(connection):
            asked = {"Host": host or f"127.0.0.1:{port}"} | {
                name.replace("_", "-"): told for name, told in headers.items()
            }
            connection.request("GET", f"/{token}{path}" if token else path, headers=asked)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()

    yield server, get
    server.shutdown()
    server.server_close()


def test_a_save_is_seen_once_and_what_editors_write_beside_it_is_not(study):
    look = lambda: snapshot(study, study / "runs")  # noqa: E731
    seen = saves(look, study, poll_s=0.01)
    assert next(seen) == []
    (study / "templates" / "manuscript.tex~").write_text("backup")
    (study / "templates" / ".manuscript.tex.swp").write_text("swap")
    (study / "templates" / "manuscript.tex").write_text("other words")
    (study / "templates" / "sections" / "new.tex").write_text("more")
    assert next(seen) == ["templates/manuscript.tex", "templates/sections/new.tex"]


def test_a_file_that_goes_and_a_run_that_comes_are_changes(study):
    before = snapshot(study, study / "runs")
    (study / "templates" / "manuscript.tex").unlink()
    (study / "runs" / "abc").mkdir(parents=True)
    (study / "runs" / "abc" / "record.json").write_text("{}")
    now = snapshot(study, study / "runs")
    assert changed(before, now, study) == ["runs/abc/record.json", "templates/manuscript.tex"]


def test_a_build_that_fails_keeps_the_pages_and_tells_why(tmp_path):
    board, said = Board(), []
    shutil.copy(EXAMPLE, tmp_path / "paper.pdf")

    def fails():
        raise InputError(["templates/a.tex:3: Undefined control sequence.", "The last good PDF is kept."])

    build_and_show(fails, tmp_path, board, said.append)
    assert board.state.problems[0] == "templates/a.tex:3: Undefined control sequence."
    assert len(board.state.leaves) > 5
    assert not board.state.building
    assert "error: templates/a.tex:3" in said[0]


def test_an_unforeseen_error_is_not_hidden(tmp_path):
    def breaks():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        build_and_show(breaks, tmp_path, Board(), print)


def test_a_damaged_paper_and_a_disk_that_refuses_end_no_watch(tmp_path):
    board, said = Board(), []
    (tmp_path / "paper.pdf").write_text("cut off")

    def fails():
        raise OSError(28, "No space left on device", str(tmp_path))

    build_and_show(fails, tmp_path, board, said.append)
    assert "No space left on device" in board.state.problems[0]
    assert board.state.leaves == ()
    assert not board.state.building


def test_many_problems_are_cut_and_counted():
    assert first_lines(["a", "b", "c"], 2) == ("a", "b", "… and 1 more")
    assert first_lines(["a"], 2) == ("a",)


@needs_poppler
def test_a_page_is_served_as_a_picture_by_what_it_draws(served, tmp_path):
    server, get = served
    shutil.copy(EXAMPLE, tmp_path / "paper.pdf")
    server.board.show(leaves=(Leaf("2", "ab" * 32, "paper.pdf", 2),))
    status, headers, body = get(f"/leaf/{'ab' * 32}.png?width=390")
    assert (status, headers["Content-Type"]) == (200, "image/png")
    assert int.from_bytes(body[16:20], "big") == 400
    assert get(f"/leaf/{'cd' * 32}.png")[0] == 404


def test_a_page_whose_paper_is_gone_is_not_found(served, capfd):
    server, get = served
    leaf = Leaf("1", "0" * 64, "paper.pdf", 1)
    server.board.show(leaves=(leaf,))
    assert get(f"/leaf/{leaf.digest}.png?width=400")[0] == 404
    assert capfd.readouterr().err == ""


def test_the_page_and_the_pdf_are_served_and_nothing_else(served, tmp_path):
    _, get = served
    (tmp_path / "secret.txt").write_text("no")
    assert b"<main>" in get("/")[2]
    assert get("/page.js")[0] == get("/page.css")[0] == 200
    assert get("/paper.pdf")[0] == 404
    (tmp_path / "paper.pdf").write_bytes(b"%PDF-")
    assert get("/paper.pdf")[2] == b"%PDF-"
    for path in ("/secret.txt", "/../secret.txt", "/leaf/../../secret.txt", "/page.html%00", "//etc/passwd"):
        assert get(path)[0] == 404, path


def test_another_site_cannot_reach_it_by_a_name_of_its_own(served):
    server, get = served
    port = server.server_address[1]
    assert get("/", host=f"evil.example:{port}")[0] == 403
    assert get("/", host=f"localhost:{port}")[0] == 200
    assert server.server_address[0] == "127.0.0.1"
    own = f"http://127.0.0.1:{port}"
    assert get("/events", Origin="http://evil.example")[0] == get("/", Origin="null")[0] == 403
    assert get("/paper.pdf", Sec_Fetch_Site="cross-site")[0] == get("/", Sec_Fetch_Site="same-site")[0] == 403
    assert get("/page.js", Origin=own, Sec_Fetch_Site="same-origin")[0] == 200
    assert get("/", Sec_Fetch_Site="none")[0] == 200


def test_who_does_not_know_the_token_reads_nothing(served, tmp_path):
    server, get = served
    (tmp_path / "paper.pdf").write_bytes(b"%PDF-")
    for token in ("", "0" * len(server.token), server.token[:-1], f"{server.token}x"):
        for path in ("/", "/paper.pdf", "/events", "/page.js", f"/?{server.token}"):
            status, headers, body = get(path, token=token)
            assert (status, body) == (403, b"open the address that paperkit watch printed"), (token, path)
            assert server.token not in str(headers)
    assert get("/paper.pdf")[0] == 200
    assert server.address.endswith(f"/{server.token}/")


def test_each_server_has_a_token_of_its_own(served, tmp_path):
    server, get = served
    other = Server(0, tmp_path, Board())
    other.server_close()
    assert len(server.token) >= 32
    assert other.token != server.token
    assert get("/", token=other.token)[0] == 403


def test_a_page_of_another_site_can_neither_frame_it_nor_learn_its_address(served):
    _, get = served
    headers = get("/")[1]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert not [name for name in headers if name.lower().startswith("access-control")]


def test_each_state_reaches_the_browser(served):
    server, _ = served
    with closing(http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=10)) as connection:
        connection.request("GET", f"/{server.token}/events")
        with connection.getresponse() as answer:
            first = json.loads(answer.readline().removeprefix(b"data: "))
            answer.readline()
            server.board.show(problems=("templates/a.tex:3: no",))
            second = json.loads(answer.readline().removeprefix(b"data: "))
    assert first["problems"] == []
    assert second["problems"] == ["templates/a.tex:3: no"]
    assert second["version"] == first["version"] + 1


def test_a_port_that_is_taken_says_what_to_type(served, tmp_path):
    server, _ = served
    port = server.server_address[1]
    with pytest.raises(InputError, match=f"--port {port + 1}"):
        Server(port, tmp_path, Board())
