"""The hidden last line of a comment: which pull request, commit and run it is of, and its order."""

import re
from typing import Final

import msgspec

_LINE = re.compile(r"<!-- gatepost v1 ((?:[a-z_]+=[0-9A-Za-z._/-]{1,100} ?)+)-->")
_CML = re.compile(r"!\[\]\(https://cml\.dev/watermark\.png#[0-9a-fA-F]+ \"[^\"\n]*\"\)")
_RUN = re.compile(r"([0-9]{1,18})\.([0-9]{1,9})")
_NUMBER = re.compile(r"[0-9]{1,18}")
_NAME = re.compile(r"[0-9A-Za-z._/-]{1,100}")
BODY_MAX: Final = 65_536


class Run(msgspec.Struct, frozen=True, order=True):
    """A workflow run and its attempt; GitHub counts run identifiers upwards."""

    id: int
    attempt: int

    def __str__(self) -> str:
        """`811.2`: the second attempt of run 811."""
        return f"{self.id}.{self.attempt}"


class Place(msgspec.Struct, frozen=True):
    """What a comment belongs to; one project of one pull request has one comment."""

    repository: int
    pull: int
    project: str = "main"

    def __post_init__(self) -> None:
        """Refuse a name that could end the line or begin another field."""
        if not is_name(self.project):
            raise ValueError(f"{self.project!r}: a project's name has letters, digits and . _ / -")


class Mark(msgspec.Struct, frozen=True):
    """What a comment of ours says of itself."""

    place: Place
    head: str
    run: Run
    final: bool  # it holds a verdict; otherwise it says that one is being made

    @property
    def order(self) -> tuple[Run, bool]:
        """Newer comments have a greater one."""
        return self.run, self.final


def is_name(text: str) -> bool:
    """Whether a text can stand in the line."""
    return _NAME.fullmatch(text) is not None


def sign(text: str, mark: Mark) -> str:
    """A rendered comment whose last line also says where and by which run it is posted.

    Raises:
        ValueError: its last line is not the one that `gates.report` writes.
    """
    fields = _fields(text)
    if fields is None:
        raise ValueError("the comment does not end with its mark")
    place = mark.place
    fields |= {
        "head": mark.head,
        "repository": str(place.repository),
        "pull": str(place.pull),
        "project": place.project,
        "run": str(mark.run),
    }
    if not mark.final:
        fields["decision"] = "running"
    before = _bare(text).rpartition("\n")[0]
    line = " ".join(f"{name}={value}" for name, value in fields.items())
    return f"{before}\n<!-- gatepost v1 {line} -->\n"


def read_mark(body: str) -> Mark | None:
    """What the last line of a comment says; `None` where it is no comment of ours."""
    fields = _fields(body) or {}
    run = _RUN.fullmatch(fields.get("run", ""))
    repository = _NUMBER.fullmatch(fields.get("repository", ""))
    pull = _NUMBER.fullmatch(fields.get("pull", ""))
    if not (run and repository and pull and fields.get("head") and fields.get("project")):
        return None
    return Mark(
        place=Place(int(repository[0]), int(pull[0]), fields["project"]),
        head=fields["head"],
        run=Run(int(run[1]), int(run[2])),
        final=fields.get("decision") != "running",
    )


def same_text(body: str, other: str) -> bool:
    """Whether two comments read the same: line ends and CML's watermark aside."""
    return _bare(body) == _bare(other)


def _bare(body: str) -> str:
    lines = body.replace("\r\n", "\n").rstrip().split("\n")
    while lines and (not lines[-1].strip() or _CML.fullmatch(lines[-1].strip())):
        lines.pop()
    return "\n".join(lines)


def _fields(body: str) -> dict[str, str] | None:
    """The fields of the last line, each of which stands there once."""
    line = _LINE.fullmatch(_bare(body).rpartition("\n")[2].strip())
    if line is None:
        return None
    pairs = [field.partition("=") for field in line[1].split()]
    fields = {name: value for name, _, value in pairs}
    return fields if len(fields) == len(pairs) else None
