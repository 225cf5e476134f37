"""Verdicts as pull requests make them; each is rendered to golden files."""

import datetime as dt
from collections.abc import Callable

import msgspec

from gates.finding import (
    ChangedColumn,
    Changes,
    Decision,
    Difference,
    Direction,
    Family,
    Finding,
    Limit,
    ListedWaiver,
    Mode,
    Observation,
    Outcome,
    PolicyChange,
    Result,
    Side,
    State,
    Subject,
    Support,
    TableDifference,
    TestSet,
    Use,
    Verdict,
    Waived,
    WaiverList,
    WaiverUse,
    Wear,
    WearState,
    fingerprint,
)

BASE = "41d07ab9c3e24f5a6b7c8d9e0f1a2b3c4d5e6f70"
HEAD = "9f3c2e1d4b5a69788796a5b4c3d2e1f001234567"
HOSTILE = (
    "a|b`c``d\n</td><img src=x onerror=alert(1)>@octocat #1 https://evil.example \u202etxt.exe"
)


def compared(
    metric: str,
    baseline: float,
    candidate: float,
    half_width: float,
    *,
    margin: float,
    state: State = State.PASSED,
    up: bool = True,
    mode: Mode = Mode.GUARD,
    segment: dict[str, str] | None = None,
    column: str | None = None,
    rows: int = 16_842,
    positives: int | None = None,
    line: int | None = None,
    needed: int | None = None,
    mend: str = "",
) -> Finding:
    """A comparison of two models, with a message in the way of the judge."""
    subject = Subject(metric=metric, segment=segment or {}, column=column)
    change = round(candidate - baseline, 6)
    limit = Limit(margin=margin, mode=mode, line=line)
    return Finding(
        subject=subject,
        state=state,
        limit=limit,
        message=f"{subject.text()} went from {baseline} to {candidate}; "
        f"at most {margin} may be lost.",
        mend=mend,
        baseline=baseline,
        candidate=candidate,
        change=change,
        greater_is_better=up,
        interval=(round(change - half_width, 6), round(change + half_width, 6)),
        p_value=0.0004 if state is State.FAILED else 0.4,
        support=Support(rows=rows, positives=positives),
        rows_needed=needed,
        fingerprint=fingerprint("sample", subject, limit),
    )


def said(
    message: str,
    *,
    state: State = State.PASSED,
    column: str | None = None,
    rule: str = "as declared",
    ceiling: float | None = None,
    candidate: float | None = None,
    baseline: float | None = None,
    metric: str | None = None,
    mend: str = "",
    line: int | None = None,
) -> Finding:
    """A finding that speaks through its message."""
    limit = (
        Limit(line=line, ceiling=ceiling) if ceiling is not None else Limit(line=line, rule=rule)
    )
    return Finding(
        subject=Subject(column=column, metric=metric),
        state=state,
        limit=limit,
        message=message,
        mend=mend,
        candidate=candidate,
        baseline=baseline,
    )


def outcome(
    gate: str, family: Family, *findings: Finding, seen: tuple[Observation, ...] = ()
) -> Outcome:
    """A gate's outcome as the worst of its findings."""
    states = {finding.state for finding in findings}
    order = (State.FAILED, State.UNDECIDED, State.PASSED)
    worst = next(state for state in order if state in states)
    return Outcome(
        gate=gate, family=family, outcome=Result(worst.value), findings=findings, observations=seen
    )


def verdict(decision: Decision, *outcomes: Outcome) -> Verdict:
    """A verdict on usual revisions."""
    return Verdict(
        gatepost="0.1.0",
        decision=decision,
        candidate=Side(revision=HEAD),
        baseline=Side(revision=BASE, found="dvc cache"),
        policy_from="base",
        outcomes=outcomes,
        test_set=TestSet(changed=False, digest="7be1c0", rows=16_842),
    )


def metrics(**replaced: Finding) -> Outcome:
    """The overall metrics of a harmless pull request, some of them replaced."""
    usual = {
        "log_loss": compared(
            "log_loss", 0.1943, 0.1951, 0.0021, margin=0.01, up=False, mode=Mode.STRICT, line=14
        ),
        "roc_auc": compared("roc_auc", 0.924, 0.9236, 0.0018, margin=0.005, line=15),
        "recall": compared("recall", 0.521, 0.516, 0.012, margin=0.03, positives=1_921, line=16),
        "precision": compared("precision", 0.748, 0.751, 0.011, margin=0.02, line=17),
    }
    return outcome("metric_regression", Family.METRICS, *(usual | replaced).values())


def floors() -> Outcome:
    """Absolute limits that hold."""
    floor = Finding(
        subject=Subject(metric="roc_auc"),
        state=State.PASSED,
        limit=Limit(floor=0.9, mode=Mode.STRICT, line=19),
        message="roc_auc is 0.9236; at least 0.9 is wanted.",
        candidate=0.9236,
        greater_is_better=True,
        interval=(0.9189, 0.9283),
        interval_of="candidate",
        support=Support(rows=16_842),
    )
    return outcome("metric_floor", Family.METRICS, floor)


def segments(*replaced: Finding) -> Outcome:
    """Recall by sex and race, some segments replaced."""
    usual = [
        compared(
            "recall",
            0.548,
            0.545,
            0.013,
            margin=0.05,
            segment={"sex": "Male"},
            rows=8_935,
            positives=1_512,
        ),
        compared(
            "recall",
            0.251,
            0.249,
            0.021,
            margin=0.05,
            segment={"sex": "Female"},
            rows=7_907,
            positives=409,
        ),
        compared(
            "recall",
            0.529,
            0.525,
            0.012,
            margin=0.05,
            segment={"race": "White"},
            rows=14_390,
            positives=1_742,
        ),
        compared(
            "recall",
            0.371,
            0.364,
            0.042,
            margin=0.05,
            segment={"race": "Black"},
            rows=1_684,
            positives=97,
        ),
        compared(
            "recall",
            0.47,
            0.45,
            0.071,
            margin=0.05,
            segment={"race": "Asian or Pacific Islander"},
            rows=520,
            positives=61,
            state=State.UNDECIDED,
            needed=1_050,
        ),
    ]
    names = [one.subject.segment for one in replaced]
    kept = [one for one in usual if one.subject.segment not in names]
    return outcome("segment_regression", Family.SEGMENTS, *replaced, *kept)


def fairness(*replaced: Finding) -> Outcome:
    """Gaps between groups, some replaced."""
    usual = [
        compared(
            "selection_rate_difference", 0.108, 0.107, 0.006, margin=0.02, up=False, column="sex"
        ),
        compared(
            "true_positive_rate_difference",
            0.297,
            0.296,
            0.024,
            margin=0.05,
            up=False,
            column="sex",
        ),
        compared(
            "true_positive_rate_difference",
            0.263,
            0.261,
            0.031,
            margin=0.05,
            up=False,
            column="race",
        ),
    ]
    names = [(one.subject.metric, one.subject.column) for one in replaced]
    kept = [one for one in usual if (one.subject.metric, one.subject.column) not in names]
    return outcome("group_disparity", Family.FAIRNESS, *replaced, *kept)


def data_gates() -> tuple[Outcome, ...]:
    """Leakage and data gates that found nothing."""
    overlap = said(
        "No row of the test table stands in the training table.",
        ceiling=0.0,
        candidate=0.0,
        baseline=0.0,
    )
    leak = said(
        "No column alone tells the label: the strongest is capital_gains with an AUC of 0.71.",
        ceiling=0.95,
        candidate=0.71,
    )
    return (
        outcome("train_test_overlap", Family.LEAKAGE, overlap),
        outcome("target_leakage", Family.LEAKAGE, leak),
        outcome("columns", Family.DATA, said("All 41 columns are in the dictionary.")),
        outcome(
            "schema",
            Family.DATA,
            said("age: integer, as declared.", column="age"),
            said("sex: 2 levels, as declared.", column="sex"),
        ),
        outcome(
            "missing_values",
            Family.DATA,
            said(
                "education: 0.2% missing, as before.",
                column="education",
                ceiling=0.05,
                candidate=0.002,
            ),
        ),
        outcome(
            "drift",
            Family.DATA,
            said(
                "age: distance 0.012.",
                column="age",
                ceiling=0.1,
                candidate=0.012,
                metric="distance",
            ),
        ),
        outcome(
            "reported_metrics",
            Family.REPRODUCIBILITY,
            said("metrics.json says what the predictions say."),
        ),
    )


def label_noise() -> Verdict:
    """Recall falls for women only; every average looks well."""
    women = compared(
        "recall",
        0.251,
        0.086,
        0.025,
        margin=0.05,
        state=State.FAILED,
        segment={"sex": "Female"},
        rows=7_907,
        positives=409,
        line=22,
        mend="Look at the labels of the rows with sex = Female that this pull request changed.",
    )
    changed = Changes(
        data=(
            Difference(name="data/census_1995.parquet", baseline="d41d8cd9", candidate="0cc175b9"),
        ),
        files=("pipeline/split.py",),
    )
    made = verdict(
        Decision.FAIL,
        *data_gates(),
        metrics(),
        floors(),
        segments(women),
        fairness(
            compared(
                "true_positive_rate_difference",
                0.297,
                0.452,
                0.031,
                margin=0.05,
                state=State.FAILED,
                up=False,
                column="sex",
                line=27,
            )
        ),
    )
    relabelled = TableDifference(
        table="train",
        baseline_rows=99_503,
        candidate_rows=99_503,
        changed=989,
        relabelled=989,
        columns_changed=(ChangedColumn(name="income_gt_50k", rows=989),),
    )
    return msgspec.structs.replace(made, changes=changed, data=(relabelled,))


def batch_of_1995() -> Verdict:
    """The new batch breaks columns; the AUC hardly moves."""
    broken = ("migration_msa", "migration_region", "migration_within_region", "migration_sunbelt")
    schema = [
        said(
            f"{name}: every one of 51,584 rows is `?`; the dictionary lists no such level.",
            state=State.FAILED,
            column=name,
            line=34,
            rule="only declared levels",
            mend="Ask where the column comes from, or drop it from the features.",
        )
        for name in broken
    ]
    schema += [said("age: integer, as declared.", column="age")]
    drift = [
        said(
            "migration_msa has another distribution: distance 1.00, at most 0.10.",
            state=State.FAILED,
            column="migration_msa",
            metric="distance",
            ceiling=0.1,
            candidate=1.0,
            line=36,
            mend="Find out why, then make a new baseline on the new data.",
        ),
        said("age: distance 0.013.", column="age", metric="distance", ceiling=0.1, candidate=0.013),
    ]
    calibration = said(
        "Scores are too high: the model expects 9,310 positives and there are 5,742.",
        state=State.FAILED,
        metric="expected_over_observed",
        ceiling=1.1,
        baseline=1.01,
        candidate=1.621,
        line=38,
        mend="Calibrate on the new batch.",
    )
    loss = compared(
        "log_loss",
        0.205,
        0.255,
        0.004,
        margin=0.01,
        up=False,
        mode=Mode.STRICT,
        state=State.FAILED,
        line=14,
    )
    auc = compared("roc_auc", 0.9085, 0.9063, 0.0021, margin=0.005, line=15)
    rest = [one for one in data_gates() if one.gate not in {"schema", "drift"}]
    precision = compared("precision", 0.721, 0.570, 0.012, margin=0.02, state=State.FAILED, line=17)
    recall = compared("recall", 0.401, 0.612, 0.013, margin=0.03, positives=5_742)
    made = verdict(
        Decision.FAIL,
        *rest,
        outcome("schema", Family.DATA, *schema),
        outcome("drift", Family.DATA, *drift),
        metrics(log_loss=loss, roc_auc=auc, precision=precision, recall=recall),
        outcome("calibration", Family.METRICS, calibration),
        floors(),
        segments(),
        fairness(),
    )
    return msgspec.structs.replace(
        made,
        changes=Changes(
            data=(
                Difference(name="data/census_1995.parquet", baseline=None, candidate="0cc175b9"),
            ),
            params=(Difference(name="ingest.years", baseline="[1994]", candidate="[1994, 1995]"),),
        ),
        test_set=TestSet(changed=True, digest="88ab", rows=51_584, added=25_790, removed=0),
        data=(
            TableDifference(
                table="test", baseline_rows=25_794, candidate_rows=51_584, added=25_790
            ),
        ),
    )


def improvement() -> Verdict:
    """A better model, with nothing worse."""
    auc = compared("roc_auc", 0.918, 0.924, 0.0019, margin=0.005)
    loss = compared("log_loss", 0.2281, 0.1943, 0.0031, margin=0.01, up=False, mode=Mode.STRICT)
    seen = Observation(
        subject=Subject(metric="accuracy"),
        message="Accuracy, for which no limit is set.",
        baseline=0.921,
        candidate=0.923,
        change=0.002,
        interval=(0.0004, 0.0036),
        support=Support(rows=16_842),
    )
    both = metrics(roc_auc=auc, log_loss=loss)
    made = verdict(
        Decision.PASS,
        *data_gates(),
        msgspec.structs.replace(both, observations=(seen,)),
        floors(),
        segments(
            compared(
                "recall",
                0.45,
                0.47,
                0.041,
                margin=0.05,
                segment={"race": "Asian or Pacific Islander"},
                rows=520,
                positives=61,
            )
        ),
        fairness(),
    )
    return msgspec.structs.replace(
        made,
        changes=Changes(
            params=(
                Difference(name="train.model", baseline='"logistic"', candidate='"boosting"'),
                Difference(name="train.max_depth", baseline=None, candidate="9"),
            ),
            files=("pipeline/train.py",),
        ),
    )


def trade_off() -> Verdict:
    """Sex, race and origin are dropped: one gap closes, another opens, the AUC falls."""
    auc = compared("roc_auc", 0.9243, 0.9211, 0.0014, margin=0.005)
    made = verdict(
        Decision.PASS,
        *data_gates(),
        metrics(roc_auc=auc),
        floors(),
        segments(),
        fairness(
            compared(
                "true_positive_rate_difference",
                0.302,
                0.171,
                0.024,
                margin=0.05,
                up=False,
                column="sex",
            ),
            compared(
                "true_positive_rate_difference",
                0.263,
                0.293,
                0.018,
                margin=0.05,
                up=False,
                column="race",
            ),
        ),
    )
    return msgspec.structs.replace(
        made,
        changes=Changes(
            params=(
                Difference(
                    name="features.drop",
                    baseline="[]",
                    candidate='["sex", "race", "hispanic_origin"]',
                ),
            )
        ),
    )


def no_baseline() -> Verdict:
    """The first pull request: only absolute limits can be judged."""
    skipped = [
        Outcome(
            gate=gate,
            family=family,
            outcome=Result.SKIPPED,
            reason="there is no baseline to compare with",
        )
        for gate, family in (
            ("metric_regression", Family.METRICS),
            ("segment_regression", Family.SEGMENTS),
        )
    ]
    return msgspec.structs.replace(
        verdict(Decision.PASS, *data_gates(), floors(), *skipped),
        baseline=None,
        baseline_reason="41d07ab has no evidence: dvc.lock is not there at that revision.",
    )


def undecided_strict() -> Verdict:
    """The primary metric may have got worse; the test set is too small to say."""
    loss = compared(
        "log_loss",
        0.1943,
        0.2011,
        0.0074,
        margin=0.01,
        up=False,
        mode=Mode.STRICT,
        rows=1_200,
        state=State.UNDECIDED,
        needed=2_590,
        line=14,
        mend="Judge it on 2,590 rows or more.",
    )
    return verdict(
        Decision.FAIL, *data_gates(), metrics(log_loss=loss), floors(), segments(), fairness()
    )


def errored() -> Verdict:
    """A gate crashed; another is required and was skipped."""
    crashed = Outcome(
        gate="calibration",
        family=Family.METRICS,
        outcome=Result.ERRORED,
        reason="ZeroDivisionError: division by zero (gates/rules/calibration.py, line 41)",
    )
    skipped = Outcome(
        gate="target_leakage",
        family=Family.LEAKAGE,
        outcome=Result.SKIPPED,
        required=True,
        reason="the evidence has no train.parquet",
    )
    usual = [one for one in data_gates() if one.gate != "target_leakage"]
    made = verdict(
        Decision.CANNOT_JUDGE,
        skipped,
        *usual,
        metrics(),
        crashed,
        floors(),
        segments(),
        fairness(),
    )
    reason = "target_leakage is required: the evidence has no train.parquet"
    return msgspec.structs.replace(made, reason=reason)


def waived() -> Verdict:
    """A known harm that somebody took upon themselves."""
    women = compared(
        "recall",
        0.251,
        0.186,
        0.025,
        margin=0.05,
        state=State.FAILED,
        segment={"sex": "Female"},
        positives=409,
    )
    out = msgspec.structs.replace(
        segments(women),
        outcome=Result.WAIVED,
        reason="until 2026-12-20, by @dana: relabelling is under way (#131)",
    )
    return verdict(Decision.PASS, *data_gates(), metrics(), floors(), out, fairness())


def taken_on(finding: Finding, until: str, days_left: int, worst: float | None = None) -> Finding:
    """The finding as a waiver of the base leaves it."""
    waiver = Waived(
        until=until,
        days_left=days_left,
        worst=worst,
        reason="relabelling is under way (#131)",
        author="dana",
        approved_by="@acme/ml-leads",
        line=3,
    )
    return msgspec.structs.replace(finding, waiver=waiver)


def listed(
    gate: str, subject: str, days_left: int, use: WaiverUse = WaiverUse.USED, why: str = ""
) -> ListedWaiver:
    """A waiver of the base as of 2026-11-23."""
    until = dt.date(2026, 11, 23) + dt.timedelta(days=days_left)
    return ListedWaiver(
        gate=gate,
        fingerprint="0f3b9a7c2d1e4f56",
        subject=subject,
        until=until.isoformat(),
        days_left=days_left,
        use=use,
        why=why,
        reason="relabelling is under way (#131)",
        line=3,
    )


def known_harm() -> tuple[Finding, Finding]:
    """Two segments that lost more than they may."""
    women, elderly = (
        compared(
            "recall", 0.251, after, 0.025, margin=0.05, state=State.FAILED, segment=segment,
            rows=7_907, positives=409, mend="Look at the labels of these rows.",
        )
        for after, segment in ((0.186, {"sex": "Female"}), (0.171, {"age": "65 to 91"}))
    )  # fmt: skip
    return women, elderly


def waivers_used() -> Verdict:
    """Everything that would block is waived; three other waivers of the base do nothing."""
    women, elderly = known_harm()
    doubt = compared(
        "log_loss", 0.1943, 0.2013, 0.006, margin=0.01, up=False, mode=Mode.STRICT,
        state=State.UNDECIDED, line=14, needed=31_000,
    )  # fmt: skip
    again = said(
        "dividends: 12 rows of test.parquet hold text where numbers are declared.",
        state=State.FAILED,
        column="dividends",
        mend="Mend the ingestion.",
    )
    segment = msgspec.structs.replace(
        segments(
            taken_on(women, "2026-12-20", 27, -0.07), taken_on(elderly, "2026-11-24", 1, -1.0)
        ),
        outcome=Result.WAIVED,
        reason="2 findings, the first until 2026-11-24 (1 day left), by dana, approved by "
        "@acme/ml-leads: relabelling is under way (#131)",
    )
    overall = msgspec.structs.replace(
        metrics(log_loss=taken_on(doubt, "2026-12-01", 8, 0.0075)),
        outcome=Result.WAIVED,
        reason="until 2026-12-01 (8 days left), by dana, approved by @acme/ml-leads: "
        "relabelling is under way (#131)",
    )
    schema = msgspec.structs.replace(
        outcome("schema", Family.DATA, taken_on(again, "2026-11-23", 0)),
        outcome=Result.WAIVED,
        reason="until 2026-11-23 (its last day), by dana, approved by @acme/ml-leads: "
        "relabelling is under way (#131)",
    )
    usual = [one for one in data_gates() if one.gate != "schema"]
    made = verdict(Decision.PASS, schema, *usual, overall, floors(), segment, fairness())
    shown = (
        listed("segment_regression", "recall for sex = Female", 27),
        listed("segment_regression", "recall for age = 65 to 91", 1),
        listed("metric_regression", "log_loss", 8),
        listed("schema", "dividends", 0),
        listed("calibration", "expected error", -1, WaiverUse.EXPIRED, "ended with 2026-11-22"),
        listed(
            "drift", "distance of age", 8, WaiverUse.UNUSED,
            "what it names does not block: take it out",
        ),
        listed(
            "target_leakage", "capital_gains", 8, WaiverUse.REFUSED,
            "the gate is `waivable: false`",
        ),
    )  # fmt: skip
    return msgspec.structs.replace(made, waivers=WaiverList(day="2026-11-23", listed=shown))


def waiver_exceeded() -> Verdict:
    """One segment is waived; another got worse than its waiver allows, so the gate blocks."""
    women, elderly = known_harm()
    segment = segments(women, taken_on(elderly, "2026-11-24", 1, -0.09))
    made = verdict(Decision.FAIL, *data_gates(), metrics(), floors(), segment, fairness())
    shown = (
        listed(
            "segment_regression", "recall for sex = Female", 27, WaiverUse.EXCEEDED,
            "the finding got worse: -0.065, beyond -0.06",
        ),
        listed("segment_regression", "recall for age = 65 to 91", 1),
    )  # fmt: skip
    return msgspec.structs.replace(made, waivers=WaiverList(day="2026-11-23", listed=shown))


def unchanged() -> Verdict:
    """Only the documentation changed."""
    same = metrics(
        log_loss=compared("log_loss", 0.1943, 0.1943, 0.0, margin=0.01, up=False, mode=Mode.STRICT),
        roc_auc=compared("roc_auc", 0.924, 0.924, 0.0, margin=0.005),
        recall=compared("recall", 0.521, 0.521, 0.0, margin=0.03),
        precision=compared("precision", 0.748, 0.748, 0.0, margin=0.02),
    )
    made = verdict(Decision.PASS, *data_gates(), same, floors())
    return msgspec.structs.replace(made, changes=Changes(files=("README.md",)))


def nested() -> Verdict:
    """A whole group fails and takes its parts along; one other part fails by itself."""

    def recall(
        before: float, after: float, state: State, positives: int, **segment: str
    ) -> Finding:
        return compared(
            "recall", before, after, 0.03, margin=0.1, state=state, segment=segment,
            positives=positives,
        )  # fmt: skip

    failed, doubt = State.FAILED, State.UNDECIDED
    found = (
        recall(0.264, 0.083, failed, 1_154, sex="Female"),
        recall(0.292, 0.084, failed, 48, sex="Female", race="Asian or Pacific Islander"),
        recall(0.262, 0.079, failed, 999, sex="Female", race="White"),
        recall(0.240, 0.104, doubt, 96, sex="Female", race="Other"),
        recall(0.900, 0.100, failed, 61, sex="Female", race="Black"),
        recall(0.540, 0.535, State.PASSED, 4_671, sex="Male"),
    )
    gap = Observation(
        subject=Subject(metric="true_positive_rate_difference", column="sex"),
        message="true_positive_rate by sex: between Female (0.083) and Male (0.541).",
        baseline=0.276,
        candidate=0.458,
        change=0.182,
        greater_is_better=False,
        interval=(0.15, 0.214),
        support=Support(rows=5_825, groups=2),
    )
    again = Observation(subject=Subject(column="age"), message="age: integer, as declared.")
    shares = fairness(
        compared(
            "selection_rate_difference", 0.106, 0.08, 0.002, margin=0.02, up=False, column="sex"
        )
    )
    only_gap = msgspec.structs.replace(shares, findings=shares.findings[:1], observations=(gap,))
    usual = [one for one in data_gates() if one.gate != "schema"]
    schema = outcome(
        "schema", Family.DATA, said("age: integer, as declared.", column="age"), seen=(again,)
    )
    made = verdict(
        Decision.FAIL,
        *usual,
        schema,
        metrics(),
        outcome("segment_regression", Family.SEGMENTS, *found),
        only_gap,
    )
    return msgspec.structs.replace(
        made,
        test_set=TestSet(
            changed=True, digest="d", rows=99_762, added=82_566, removed=34_729, seen=33_377
        ),
    )


def loosened() -> Verdict:
    """A limit is edited in the same pull request; the base's limit judges."""
    made = msgspec.structs.replace(label_noise(), changes=Changes(files=("params.yaml",)))
    change = said(
        "This pull request loosens gates.segment_regression.metrics.recall.margin "
        "from 0.05 to 0.20.",
        state=State.FAILED,
        rule="no limit is loosened on the way",
        mend="Loosen it in a pull request of its own.",
    )
    return msgspec.structs.replace(
        made,
        outcomes=(*made.outcomes, outcome("policy_change", Family.SCOPE, change)),
        policy_changes=(
            PolicyChange(
                key="gates.metric_floor.metrics.roc_auc",
                direction=Direction.TIGHTENED,
                base="0.9",
                candidate="0.91",
            ),
            PolicyChange(
                key="gates.segment_regression.metrics.recall.margin",
                direction=Direction.LOOSENED,
                base="0.05",
                candidate="0.2",
            ),
        ),
        environment=(
            Difference(name="scikit-learn", baseline="1.8.0", candidate="1.9.1"),
            Difference(name="threads", baseline="4", candidate="2"),
            Difference(name="platform", baseline="Linux x86_64", candidate=None),
        ),
    )


def cannot_judge() -> Verdict:
    """The evidence is not what it says it is."""
    return msgspec.structs.replace(
        verdict(Decision.CANNOT_JUDGE),
        reason="predictions.parquet: 12 row_ids are not in the test table, first 00ab12. "
        "Every test row needs exactly one prediction. Run `dvc repro predict`.",
        test_set=None,
    )


def attacked(text: str) -> Verdict:
    """Every foreign text is this one."""
    bad = compared(
        "recall", 0.5, 0.3, 0.02, margin=0.05, state=State.FAILED, segment={text: text}, mend=text
    )
    odd = compared(text, 0.5, 0.4999, 0.02, margin=0.05, column=text)
    message = said(
        text,
        state=State.FAILED,
        column=text,
        rule=text,
        mend=f"Run [this](https://evil.example) {text}",
    )
    made = verdict(
        Decision.FAIL, outcome(text, Family.DATA, message), metrics(roc_auc=odd), segments(bad)
    )
    crashed = Outcome(gate=text + "2", family=Family.SPLIT, outcome=Result.ERRORED, reason=text)
    named = (Difference(name=text, baseline=text, candidate=text),)
    return msgspec.structs.replace(
        made,
        gatepost=text,
        candidate=Side(revision=f"x -->{text}", found=text),
        baseline=Side(revision=f"$(touch x) {text}", found=text),
        outcomes=(*made.outcomes, crashed),
        changes=Changes(params=named, data=named, files=(text,)),
        environment=named,
        data=(
            TableDifference(
                table="test",
                baseline_rows=3,
                candidate_rows=4,
                added=1,
                changed=1,
                columns_added=(text,) * 7,
                columns_changed=(ChangedColumn(name=text, rows=1),),
            ),
            TableDifference(
                table="train", baseline_rows=1, candidate_rows=2, paired=False, reason=text
            ),
        ),
        policy_changes=(
            PolicyChange(key=text, direction=Direction.LOOSENED, base=text, candidate=text),
        ),
    )


def hostile() -> Verdict:
    """Every foreign text is an attack."""
    return attacked(HOSTILE)


def many_segments(count: int, failed: int, doubtful: int = 0) -> Verdict:
    """A verdict over very many segments, the first ones failed."""
    states = [State.FAILED] * failed + [State.UNDECIDED] * doubtful
    states += [State.PASSED] * (count - len(states))
    found = [
        compared(
            "recall",
            0.8,
            0.7 if state is State.FAILED else 0.79,
            0.02,
            margin=0.05,
            state=state,
            segment={"region": f"{HOSTILE[:30]} {place}", "plan": f"plan {place % 7}"},
            mend=f"Look at region {place}.",
        )
        for place, state in enumerate(states)
    ]
    decision = Decision.FAIL if failed else Decision.PASS
    return verdict(
        decision, *data_gates(), metrics(), outcome("segment_regression", Family.SEGMENTS, *found)
    )


def worn_out() -> Verdict:
    """The sixtieth model on 2,000 rows, of which 4 % are answered otherwise each time."""
    use = Use(
        predictions="5e" * 32,
        baseline_predictions="b1" * 32,
        metric="accuracy",
        baseline=0.853,
        candidate=0.856,
        spread=0.00447,
        discordance=0.04,
    )
    wear = Wear(
        judged=60,
        merged=12,
        since="2026-05-02",
        unread=1,
        metric="accuracy",
        margin=0.01,
        optimism=0.0128,
        state=WearState.WORN_OUT,
    )
    reuse = Finding(
        subject=Subject(key="test set"),
        state=State.UNDECIDED,
        limit=Limit(rule="luck explains less than 0.01", mode=Mode.GUARD),
        message="The best of 60 equally good models would seem 0.013 better in accuracy on this "
        "test set; the margin is 0.01.",
        mend="Draw a new test set in a pull request of its own.",
        candidate=wear.optimism,
    )
    accuracy = compared("accuracy", 0.853, 0.856, 0.009, margin=0.01, rows=2_000, line=14)
    made = verdict(
        Decision.PASS,
        outcome("metric_regression", Family.METRICS, accuracy),
        outcome("test_set_reuse", Family.SPLIT, reuse),
    )
    return msgspec.structs.replace(
        made,
        anchor=Side(revision="51fd" * 10, best=True, found="local store"),
        test_set=TestSet(changed=False, digest="a1b2c3d4" * 8, rows=2_000, use=use, wear=wear),
    )


def small_test_set() -> Verdict:
    """One loss is proven, and much about the columns is not decided by so few rows."""
    mend = "Look at what the change did to these rows."
    drifts = [
        said(
            f"Kolmogorov distance of {name!r}: 0.09 test against train; up to 0.1 is accepted.",
            state=State.UNDECIDED,
            candidate=0.09,
            ceiling=0.1,
        )
        for name in ("age", "bmi", "size", "year")
    ]
    log_loss = compared(
        "log_loss", 0.095, 0.481, 0.04, margin=0.01, state=State.FAILED, up=False, mend=mend
    )
    auc = compared("roc_auc", 0.99, 0.98, 0.02, margin=0.01, state=State.UNDECIDED, mend=mend)
    return verdict(
        Decision.FAIL,
        outcome("drift", Family.DATA, *drifts),
        outcome("metric_regression", Family.METRICS, log_loss, auc),
    )


SAMPLES: dict[str, Callable[[], Verdict]] = {
    made.__name__: made
    for made in (
        label_noise,
        batch_of_1995,
        improvement,
        trade_off,
        no_baseline,
        undecided_strict,
        errored,
        waived,
        waivers_used,
        waiver_exceeded,
        nested,
        unchanged,
        loosened,
        cannot_judge,
        worn_out,
        small_test_set,
        hostile,
    )
}
