"""What goes wrong in a template, told with the template's file and line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import TracebackType

from jinja2 import TemplateError, TemplateNotFound, TemplateSyntaxError, UndefinedError
from jinja2.exceptions import SecurityError

from paper_kit.core.errors import InputError, PaperkitError, did_you_mean
from paper_kit.render.claim_tag import Told
from paper_kit.render.source_map import Place

WRONG_VALUE = (TypeError, ValueError, LookupError, ArithmeticError, AttributeError)


@contextmanager
def told(folder: str, files: Iterable[str], names: Iterable[str]) -> Iterator[None]:
    """Inside, an error of a template becomes an InputError that says file:line and what to type.

    `files` are the templates' names below `folder`, `names` what a template may use. Errors of code that a
    template calls stay as they are.
    """
    known = list(files)
    shown = {f"{folder}/{name}" for name in known}
    try:
        yield
    except RecursionError as error:
        place = _place(error.__traceback__, shown)
        raise InputError(
            f"{place}: templates include each other in a circle, or a macro calls itself; end the circle."
        ) from None
    except TemplateSyntaxError as error:
        place = Place(error.filename or f"{folder}/{error.name}", error.lineno)
        raise InputError(f"{place}: {_sentence(error.message or '')}{_cure(error.message or '')}") from None
    except TemplateNotFound as error:
        place = _place(error.__traceback__, shown)
        wanted = str(error.name or error)
        raise InputError(
            f"{place}: there is no template {wanted!r} in {folder}.{did_you_mean(wanted, known)}"
        ) from None
    except Told:
        raise
    except PaperkitError as error:
        place = _place(error.__traceback__, shown)
        raise type(error)([f"{place}: {problem}" for problem in error.problems]) from None
    except (TemplateError, *WRONG_VALUE) as error:
        if not isinstance(error, TemplateError) and not _of_template(error.__traceback__, shown):
            raise
        place = _place(error.__traceback__, shown)
        raise InputError(f"{place}: {_explained(error, names)}") from None


def _explained(error: Exception, names: Iterable[str]) -> str:
    message = str(error)
    unknown = re.fullmatch(r"'(\w+)' is undefined", message)
    if unknown:
        return f"There is nothing named {unknown[1]!r}.{did_you_mean(unknown[1], names)}"
    if isinstance(error, SecurityError):
        return f"{_sentence(message)} A template prints facts, tables and figures; it cannot reach further."
    if isinstance(error, UndefinedError):
        return _sentence(message)
    return f"This cannot be computed: {_sentence(message)}"


def _cure(message: str) -> str:
    cures = {
        "is never closed": " Close it with }.",
        "unknown tag 'end": " Nothing is open that it could end.",
        "unknown tag": " Known: if, elif, else, endif, for, endfor, set, include, macro, block.",
        "Unexpected end of template": r" Add the \BLOCK{end...} that is missing.",
        "end of print statement": r" Write what to print, such as \VAR{data.name}.",
    }
    return next((cure for part, cure in cures.items() if part in message), "")


def _sentence(message: str) -> str:
    text = message.strip()
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _place(trace: TracebackType | None, shown: set[str]) -> Place:
    """The last line of a template in a traceback, the error's own place."""
    place = Place("templates", 0)
    while trace is not None:
        if trace.tb_frame.f_code.co_filename in shown:
            place = Place(trace.tb_frame.f_code.co_filename, trace.tb_lineno)
        trace = trace.tb_next
    return place


def _of_template(trace: TracebackType | None, shown: set[str]) -> bool:
    """Whether the innermost frame is a template's, or Jinja's own."""
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    file = trace.tb_frame.f_code.co_filename if trace else ""
    return file in shown or "jinja2" in file
