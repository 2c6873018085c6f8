"""Selection: which of the answers kept under one URL fits a request, by ``Vary``.

Source: RFC 9111, section 4.1.
"""

from __future__ import annotations

from proxysim.messages import Request, Response
from proxysim.policies.compression import acceptable, weights
from proxysim.policies.fields import members
from proxysim.policies.memory import kept

__all__ = ["Selection", "normal", "selection"]

Normal = tuple[object, ...] | None


class Selection:
    """What a request must say for a stored answer to be the one the origin would choose for it.

    ``fields`` are names and values, but for Accept-Encoding, whose values ``codings`` lists: an
    answer is kept once in each coding, whoever it was fetched for. Where a field's own preferences
    choose (Accept-Encoding, Accept-Language), an answer in what the client wants most fits too.
    """

    __slots__ = ("codings", "fields", "language")

    def __init__(
        self,
        fields: tuple[tuple[str, Normal], ...],
        codings: frozenset[Normal] | None,
        language: str,
    ) -> None:
        self.fields = fields
        self.codings = codings
        self.language = language

    def fits(self, request: Request, coding: str | None) -> bool:
        """Whether *request* selects the answer, which is coded as *coding*."""
        said = request.headers.fields
        for name, wanted in self.fields:
            found = normal(name, said.get(name))
            if found != wanted and not (
                name == "accept-language"
                and self.language
                and self.language == _favourite(said.get(name, ""))
            ):
                return False
        if self.codings is None:
            return True
        if coding is not None and acceptable(request.headers)[0] == coding:
            return True
        return normal("accept-encoding", said.get("accept-encoding")) in self.codings

    def joined(self, other: Selection) -> Selection:
        """This selection of an answer that has taken the place of *other*'s."""
        if self.codings is None or other.codings is None:
            return self
        return Selection(self.fields, self.codings | other.codings, self.language)


def selection(request: Request, response: Response) -> Selection | None:
    """What selects *response*, the origin's answer to *request*; None where every request does."""
    vary = response.headers.fields.get("vary")
    names = sorted({name.lower() for name in members(vary)}) if vary else ()
    if not names:
        return None
    said = request.headers.fields
    fields = tuple([(n, normal(n, said.get(n))) for n in names if n != "accept-encoding"])
    codings = None
    if "accept-encoding" in names:
        codings = frozenset({normal("accept-encoding", said.get("accept-encoding"))})
    language = response.headers.get("content-language").strip().lower()
    return Selection(fields, codings, language)


@kept(4096)
def normal(name: str, text: str | None) -> Normal:
    """The value *text* of the field *name*, the same for all texts of one meaning.

    White space around commas and empty members do not count; in Accept-Encoding and
    Accept-Language neither do case and order. None stands for a field that is not there.
    """
    if text is None:
        return None
    if name in ("accept-encoding", "accept-language"):
        return tuple(sorted(weights(text).items()))
    return members(text)


@kept(1024)
def _favourite(languages: str) -> str:
    """The language that an Accept-Language text weighs most, if it is alone."""
    weighed = weights(languages)
    most = max(weighed.values(), default=0.0)
    best = [language for language, weight in weighed.items() if weight == most]
    return best[0] if len(best) == 1 and most > 0 else ""
