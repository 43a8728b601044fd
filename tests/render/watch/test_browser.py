"""`paperkit watch` in headless Chromium: an edit shows, a TeX error lies over the page, and it recovers."""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
MISSING = [
    name
    for name, found in (
        ("chromium", CHROMIUM),
        ("chromedriver", DRIVER),
        ("latexmk", shutil.which("latexmk")),
    )
    if found is None
]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(MISSING), reason=f"needs {', '.join(MISSING)}: make extras"),
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]
FILLER = "\n\n".join(f"Paragraph {number} says little. " * 12 for number in range(40))
MANUSCRIPT = r"""\input{macros}
\documentclass{article}
\usepackage{graphicx,xcolor}
\begin{document}
Faces of the first kind.

FILLER

% the line that is edited
The last words stand here.
\end{document}
"""
WAIT_S = 120


@pytest.fixture
def study(tmp_path):
    templates = tmp_path / "templates"
    shutil.copytree(ROOT / "templates" / "venues" / "article", templates / "venues" / "article")
    shutil.copy(ROOT / "templates" / "macros.tex", templates)
    (templates / "manuscript.tex").write_text(MANUSCRIPT.replace("FILLER", FILLER))
    (tmp_path / "experiments").mkdir()
    shutil.copy(ROOT / "experiments" / "quick.toml", tmp_path / "experiments")
    (tmp_path / "paper").mkdir()
    (tmp_path / "paper" / "paper.toml").write_text('venue = "article"\ndemo = true\n')
    return tmp_path


def heed_interrupts():
    """Nothing; SIGINT ends the process again: what a shell starts in the background is born deaf to it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture
def address(study):
    """Where `paperkit watch` serves the study."""
    command = [sys.executable, "-c", "from paper_kit.cli import app; app()"]
    with subprocess.Popen(
        [*command, "watch", "--no-browser", "--port", "0"],
        cwd=study, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, preexec_fn=heed_interrupts,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0


@pytest.fixture
def browser(tmp_path):
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (
        "headless", "no-sandbox", "disable-gpu", "no-first-run", "disable-background-networking",
        "disable-component-update", "disable-sync", "window-size=900,1000",
        f"user-data-dir={tmp_path}/chromium",
    ):  # fmt: skip
        options.add_argument(f"--{flag}")
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


def until(browser, script):
    """What the script gives once it gives something true."""
    from selenium.webdriver.support.ui import WebDriverWait

    return WebDriverWait(browser, WAIT_S, poll_frequency=0.2).until(lambda it: it.execute_script(script))


SHOWN = "const all = [...document.querySelectorAll('main figure')]; "
WHOLE = SHOWN + "return all.length > 2 && all.every(f => f.dataset.shown === f.dataset.digest) "
DIGESTS = SHOWN + "return all.map(f => f.dataset.shown)"


def edit(study, before, after):
    path = study / "templates" / "manuscript.tex"
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


def test_an_edit_shows_an_error_lies_over_the_paper_and_goes_again(study, address, browser):
    browser.get(address)
    until(browser, WHOLE)
    first = browser.execute_script(DIGESTS)
    browser.execute_script("window.scrollTo(0, document.body.scrollHeight * 0.6)")
    place = browser.execute_script("return window.scrollY")
    reading = until(browser, "return document.getElementById('where').textContent")

    edit(study, "The last words stand here.", "Other words end it.")
    until(browser, WHOLE + f"&& all.at(-1).dataset.shown !== '{first[-1]}'")
    assert browser.execute_script(DIGESTS)[:-1] == first[:-1]  # the other pages keep their pictures
    assert browser.execute_script("return window.scrollY") == place
    assert browser.execute_script("return document.getElementById('where').textContent") == reading

    edit(study, "Other words end it.", r"Other words \nothingknown end it.")
    told = until(browser, "const p = document.getElementById('problems'); return !p.hidden && p.innerText")
    line = (
        (study / "templates" / "manuscript.tex")
        .read_text()
        .split("\n")
        .index(r"Other words \nothingknown end it.")
    )
    assert f"templates/manuscript.tex:{line + 1}: Undefined control sequence" in told
    assert re.search(r"spelling", told)
    assert browser.execute_script("return document.querySelector('main').classList.contains('old')")
    assert len(browser.execute_script(DIGESTS)) == len(first)  # the last good paper is still there
    browser.save_screenshot(str(study / "error.png"))

    edit(study, r"\nothingknown ", "")
    until(
        browser,
        "return document.getElementById('problems').hidden"
        " && document.getElementById('lamp').className === 'good'",
    )
    assert browser.execute_script("return window.scrollY") == place

    browser.refresh()
    until(browser, WHOLE)
    assert abs(browser.execute_script("return window.scrollY") - place) < 5
