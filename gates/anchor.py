"""The anchor: the last release before the merge base, and where its evidence is found."""

from pathlib import Path

from gates.base import NoBaseline
from gates.baseline import find_baseline
from gates.case import Anchor, NoAnchor
from gates.dvc_command import Progress
from gates.evidence import Evidence
from gates.finding import Side
from gates.git import is_shallow, nearest_tag
from gates.settings import Settings

ANCHOR = "anchor"  # as `gates.references` names it


def find_anchor(
    root: Path, base: str, beside: Evidence, settings: Settings, progress: Progress
) -> Anchor | NoAnchor | None:
    """The nearest tagged release before the merge base; `None` where the policy asks for none.

    Args:
        root: the work tree whose store and DVC cache are used.
        base: the full hash of the merge base.
        beside: evidence that is judged with it; what both have is read once.
        settings: say whether to look, for which tags, and where a pipeline leaves things.
        progress: gets a line for each slow step.

    Raises:
        PipelineError: there is a release with a pipeline, and it cannot be run again.
        EvidenceError: an object in the DVC cache is not what its name says.
    """
    if ANCHOR not in settings.references:
        return None
    pattern = settings.anchor.tag
    named = nearest_tag(root, pattern, base)
    if named is None:
        hint = "; the clone is shallow, `git fetch --unshallow --tags`" if is_shallow(root) else ""
        return NoAnchor(reason=f"no tag like `{pattern}` on the way to {base[:7]}{hint}")
    tag, revision = named
    if revision == base:
        return NoAnchor(reason=f"`{tag}` is the merge base itself")
    progress(f"anchor {revision[:7]} ({tag})")
    found = find_baseline(root, revision, settings.evidence, progress)
    if isinstance(found, NoBaseline):
        return NoAnchor(reason=f"`{tag}`: {found.reason}")
    side = Side(revision=revision, tag=tag, found=found.found)
    return Anchor(side=side, evidence=Evidence(found.folder, verify=False, beside=beside))
