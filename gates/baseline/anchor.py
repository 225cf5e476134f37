"""The anchor: the last release, or else the best baseline so far, and where its evidence is."""

import re
from collections.abc import Sequence
from pathlib import Path

import msgspec

from gates.baseline.base import NoBaseline
from gates.baseline.find import find_baseline
from gates.case.anchor import Anchor, NoAnchor
from gates.dvc.command import Progress
from gates.evidence.folder import Evidence
from gates.finding import Side
from gates.git.history import is_ancestor, nearest_tag
from gates.git.repository import is_shallow
from gates.policy.settings import Settings

ANCHOR = "anchor"  # as `gates.references` names it
BEST = "best"  # as `gates.anchor.otherwise` names it
_MOST_ASKED = 50  # of the ledger's baselines
_HASH = re.compile("[0-9a-f]{40,64}")


def find_anchor(
    root: Path,
    base: str,
    beside: Evidence,
    settings: Settings,
    progress: Progress,
    *,
    ranked: Sequence[str] = (),
) -> Anchor | NoAnchor | None:
    """The nearest tagged release before the merge base; `None` where the policy asks for none.

    Without a release it is the best of the commits on the way to the merge base that the ledger
    knows as baselines on the same test rows, where the policy wants that.

    Args:
        root: the work tree whose store and DVC cache are used.
        base: the full hash of the merge base.
        beside: evidence that is judged with it; what both have is read once.
        settings: say whether to look, for which tags, and where a pipeline leaves things.
        progress: gets a line for each slow step.
        ranked: baselines that the ledger knows, the best first.

    Raises:
        PipelineError: there is a release with a pipeline, and it cannot be run again.
        EvidenceError: an object in the DVC cache is not what its name says.
    """
    if ANCHOR not in settings.references:
        return None
    chosen = _choose(root, base, settings, ranked)
    if isinstance(chosen, NoAnchor):
        return chosen
    side, name = chosen
    if side.revision == base:
        return NoAnchor(reason=f"{name} is the merge base itself")
    progress(f"anchor {side.revision[:7]} ({side.tag or 'the best baseline so far'})")
    found = find_baseline(root, side.revision, settings.evidence, progress)
    if isinstance(found, NoBaseline):
        return NoAnchor(reason=f"{name}: {found.reason}")
    return Anchor(
        side=msgspec.structs.replace(side, found=found.found),
        evidence=Evidence(found.folder, settings, verify=False, beside=beside),
    )


def _choose(
    root: Path, base: str, settings: Settings, ranked: Sequence[str]
) -> tuple[Side, str] | NoAnchor:
    """The commit, and what messages call it: the nearest release, or else the best baseline."""
    pattern = settings.anchor.tag
    if (named := nearest_tag(root, pattern, base)) is not None:
        tag, revision = named
        return Side(revision=revision, tag=tag), f"`{tag}`"
    hint = "; the clone is shallow, `git fetch --unshallow --tags`" if is_shallow(root) else ""
    reason = f"no tag like `{pattern}` on the way to {base[:7]}{hint}"
    best = _find_best(root, base, ranked) if settings.anchor.otherwise == BEST else None
    if best is None:
        return NoAnchor(reason=reason)
    return Side(revision=best, best=True), f"{reason}; the best baseline so far"


def _find_best(root: Path, base: str, ranked: Sequence[str]) -> str | None:
    """The best that lies on the way to the merge base; whoever wrote the ledger may name others."""
    for revision in ranked[:_MOST_ASKED]:
        if _HASH.fullmatch(revision) and is_ancestor(root, revision, base):
            return revision
    return None
