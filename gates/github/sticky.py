"""Exactly one comment of ours in a pull request, the newest, whatever happens on the way.

Whoever publishes looks first, writes, waits, and looks again, until what it sees is its own text
or newer. Of several comments the newest stays, and of equals the first, so that publishers who
run at the same time remove the same ones. A POST whose answer was lost is looked for before
another is sent.
"""

from collections.abc import Callable
from enum import Enum
from typing import Final, NamedTuple

from gates.github.calls import GitHubError, LostError, RefusedError
from gates.github.cml import Cml, would_take
from gates.github.mark import BODY_MAX, Mark, Place, read_mark, same_text, sign
from gates.github.repository import GitHub
from gates.github.values import Comment

SETTLE_S: Final = 2.0  # GitHub's lists lag behind its writes, and others may be writing
_LATE_S: Final = (
    1.0,
    2.0,
    4.0,
    5.0,
)  # looks for a comment of which no answer came, or not yet seen
_ROUNDS_MAX: Final = 8
_POSTS_MAX: Final = 3
_LOCKED = (403, 410, 423)


class Posted(Enum):
    """What became of a comment."""

    WRITTEN = "written"
    UNCHANGED = "already there"
    SUPERSEDED = "left alone: a newer run has written it"
    MOVED = "left alone: the pull request has moved on, or is closed"
    LOCKED = "not written: the conversation is locked"


class Ours(NamedTuple):
    """A comment that we wrote."""

    comment: Comment
    mark: Mark


class Desk(NamedTuple):
    """Where a comment is posted, by whom, and through what."""

    github: GitHub
    place: Place
    author: str
    cml: Cml | None
    say: Callable[[str], None]
    sleep: Callable[[float], None]


def post_comment(desk: Desk, text: str, mark: Mark) -> Posted:
    """Make `text` the one comment of ours, unless a newer one is there.

    Raises:
        GitHubError: GitHub did not take it, or is too late in showing it.
    """
    return _Posting(desk, sign(text, mark), mark).run()


def is_current(github: GitHub, mark: Mark) -> bool:
    """Whether the pull request is open and still at the commit that was judged."""
    pull = github.pull(mark.place.pull)
    return pull.state == "open" and pull.head.sha == mark.head


class _Posting:
    """One comment on its way; remembers what it wrote, as lists may show it late."""

    def __init__(self, desk: Desk, body: str, mark: Mark) -> None:
        self._desk = desk
        self._body = body
        self._mark = mark
        self._author = desk.author
        self._written: dict[int, Comment] = {}
        self._posts = 0
        self._cml = desk.cml
        self._late = iter(_LATE_S)
        self._strangers: set[int] = set()

    def run(self) -> Posted:
        for _ in range(_ROUNDS_MAX):
            done = self._round()
            if done is not None:
                return done
        if self._written:
            return Posted.WRITTEN  # GitHub confirmed it, and only its list is late
        raise GitHubError(f"{self._where}: the comment could not be settled. Re-run the job.")

    def _round(self) -> Posted | None:
        comments, whole = self._desk.github.comments(self._mark.place.pull)
        keep = self._keep_newest(self._ours(comments))
        if keep and keep.mark.order > self._mark.order:
            return Posted.SUPERSEDED
        if keep and same_text(keep.comment.body or "", self._body):
            return self._is_settled(keep, comments)
        if not is_current(self._desk.github, self._mark):
            return Posted.MOVED
        if not keep and not whole:
            raise GitHubError(
                f"{self._where}: too many comments to be sure that none is ours, so none was "
                "posted. The check has the verdict."
            )
        try:
            self._write(keep, comments)
        except RefusedError as error:
            if error.status in _LOCKED and "locked" in error.said.lower():
                return Posted.LOCKED
            raise
        self._desk.sleep(SETTLE_S)
        return None

    def _is_settled(self, keep: Ours, comments: tuple[Comment, ...]) -> Posted | None:
        """Done, unless the list does not show yet what we wrote: then nor what others did.

        Or no longer: a run that looked before us may have removed what was older then.
        """
        if not (self._posts or self._written):
            return Posted.UNCHANGED
        if keep.comment.id in {one.id for one in comments}:
            return Posted.WRITTEN
        if self._desk.github.comment(keep.comment.id) is None:
            self._written.pop(keep.comment.id, None)
            return None
        seconds = next(self._late, None)
        if seconds is None:
            return Posted.WRITTEN
        self._desk.sleep(seconds)
        return None

    @property
    def _where(self) -> str:
        return f"pull request {self._mark.place.pull}"

    def _ours(self, comments: tuple[Comment, ...]) -> list[Ours]:
        """Our comments of this project, oldest first; what we wrote ourselves is believed."""
        listed = {one.id for one in comments}
        late = [one for one in self._written.values() if one.id not in listed]
        found = []
        for one in (*comments, *late):
            mark = read_mark(one.body or "")
            if mark is None or mark.place != self._mark.place:
                continue
            if one.author == self._author:
                found.append(Ours(one, mark))
            elif one.id not in self._strangers:
                self._strangers.add(one.id)
                self._desk.say(f"{self._where}: comment {one.id} has our mark and another author")
        return sorted(found, key=lambda one: one.comment.id)

    def _keep_newest(self, ours: list[Ours]) -> Ours | None:
        """Remove all but the newest; of equals the oldest comment stays."""
        if not ours:
            return None
        keep = max(ours, key=lambda one: (one.mark.order, -one.comment.id))
        for one in ours:
            if one is not keep and self._is_still(one):
                self._desk.say(f"{self._where}: removing comment {one.comment.id}, a second one")
                self._desk.github.delete_comment(one.comment.id)
                self._written.pop(one.comment.id, None)
        return keep

    def _is_still(self, one: Ours) -> bool:
        """Whether a comment says what its list said: a newer run may have written it since."""
        now = self._desk.github.comment(one.comment.id)
        return now is not None and read_mark(now.body or "") == one.mark

    def _write(self, keep: Ours | None, comments: tuple[Comment, ...]) -> None:
        if self._by_cml(keep, comments):
            return
        try:
            if keep is None:
                self._create()
            else:
                self._replace(keep.comment)
        except RefusedError as error:
            if error.status != 422 or "too long" not in error.said.lower():  # noqa: PLR2004
                raise
            self._shorten(error)

    def _by_cml(self, keep: Ours | None, comments: tuple[Comment, ...]) -> bool:
        """Let CML write, once, where it would touch our comment or make the first one."""
        cml, self._cml = self._cml, None
        if cml is None:
            return False
        place = self._mark.place
        target = would_take(comments, place.project)
        if target != (keep.comment.id if keep else None):
            what = "miss ours" if target is None else f"change comment {target}"
            self._desk.say(f"{self._where}: posting by the API, as CML would {what}")
            return False
        problem = cml.post(place.pull, place.project, self._mark.head, self._body)
        if problem:
            self._desk.say(f"{self._where}: {problem}; posting by the API if it is not there")
        self._posts += keep is None
        self._look_for_it()
        return True

    def _create(self) -> None:
        if self._posts >= _POSTS_MAX:
            raise GitHubError(f"{self._where}: {self._posts} posts got no answer. Re-run the job.")
        self._posts += 1
        try:
            made = self._desk.github.create_comment(self._mark.place.pull, self._body)
        except LostError as error:
            self._desk.say(f"{self._where}: {error}; looking whether it was posted")
            self._look_for_it()
            return
        if made.author != self._author:
            self._desk.say(f"{self._where}: we are {made.author!r}, not {self._author!r}")
            self._author = made.author
        self._written[made.id] = made

    def _replace(self, comment: Comment) -> None:
        try:
            done = self._desk.github.update_comment(comment.id, self._body)
        except RefusedError as error:
            if error.status not in (404, 410) or "locked" in error.said.lower():
                raise
            self._written.pop(comment.id, None)  # somebody removed it meanwhile
            self._desk.say(f"{self._where}: comment {comment.id} is gone; posting a new one")
            return
        self._written[done.id] = done

    def _look_for_it(self) -> None:
        """Wait until our text is listed, for as long as a list may be late.

        After a second post the whole wait is due, as either may be there, or both.
        """
        for seconds in _LATE_S:
            comments, _ = self._desk.github.comments(self._mark.place.pull)
            listed = any(same_text(one.body or "", self._body) for one in comments)
            if listed and self._posts <= 1:
                return
            self._desk.sleep(seconds)

    def _shorten(self, error: RefusedError) -> None:
        shorter = short_body(self._body)
        if len(shorter) >= len(self._body):
            raise error
        self._desk.say(f"{self._where}: the comment is too long for GitHub; posting its head")
        self._body = shorter


def short_body(body: str) -> str:
    """The heading of a comment and its last line, with a word on where the rest is."""
    lines = body.strip().split("\n")
    note = "The whole report was too long for a comment: see the check and the run's artifacts."
    return f"{lines[0][: BODY_MAX // 16]}\n\n{note}\n\n{lines[-1]}\n"
