"""The closed vocabularies of the knowledge base: what a verdict, a reason, a kind, a topic may be called.

These names are an interface: they stand in records, outcomes, JSON and exit statuses. Each carries the
sentence that explains it, so that help texts and pages never paraphrase.
"""

from enum import IntEnum, StrEnum


class Explained(StrEnum):
    """A string enumeration whose members carry a one-sentence meaning."""

    meaning: str

    def __new__(cls, value: str, meaning: str = "") -> "Explained":
        """Make the member from its public name and its meaning."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member


class Kind(Explained):
    """How a claim is settled."""

    MEASURED = "measured", "a figure or an ordering that a run on hardware settles"
    CAPABILITY = "capability", "something that works or does not in current releases: code shows it"
    DOCUMENTED = "documented", "an adoption or history figure, settled against cited primary data"
    LOGICAL = "logical", "settled by arithmetic, or by holding claims against each other"
    JUDGEMENT = "judgement", "advice or taste: recorded and shown, never tested"


class Topic(Explained):
    """The shelf on which a claim lies; the folder of its record."""

    TRAINING = "training", "how fast models train"
    INFERENCE = "inference", "how fast trained models answer"
    MEMORY = "memory", "how much memory is used and how it is managed"
    SCALING = "scaling", "training on many devices"
    TPU = "tpu", "Google's tensor processing units"
    SERVING = "serving", "models behind a network endpoint"
    DEPLOYMENT = "deployment", "mobile, web, edge, exchange formats"
    PROGRAMMING = "programming", "execution model, debugging, how code is written"
    ECOSYSTEM = "ecosystem", "libraries, tools, history, governance"
    ADOPTION = "adoption", "who uses what"


class Verdict(Explained):
    """What one outcome says about a claim."""

    SUPPORTED = "supported", "the evidence lies inside what the claim says"
    REFUTED = "refuted", "the evidence lies outside what the claim says"
    INCONCLUSIVE = "inconclusive", "it was tried, and the evidence does not settle it"
    UNTESTED = "untested", "it was not or could not be tried within the claim's scope"


class Summary(Explained):
    """What all outcomes of a claim say together."""

    SUPPORTED = "supported", "every environment that decided supports it"
    REFUTED = "refuted", "every environment that decided refutes it"
    MIXED = "mixed", "environments that decided disagree"
    INCONCLUSIVE = "inconclusive", "tried, and nowhere settled"
    UNTESTED = "untested", "nowhere tried within its scope"


class Reason(Explained):
    """Why a verdict is what it is."""

    INSIDE_REGION = "inside-region", "the interval lies inside the claimed region"
    OUTSIDE_REGION = "outside-region", "the interval lies outside the claimed region"
    FINDING = "finding", "the verifier's finding settles it"
    UNDECIDED = "undecided", "what the verifier found does not settle it"
    FIGURES_AGREE = "figures-agree", "primary figures of the same population and date agree"
    FIGURES_DIFFER = "figures-differ", "primary figures of the same population and date differ"
    SOURCES_AGREE = "sources-agree", "the cited sources say that it is so"
    SOURCES_DIFFER = "sources-differ", "the cited sources say that it is not so"
    HOLDS_LOGICALLY = "holds-logically", "it follows from arithmetic or from other records"
    CONTRADICTS_ITSELF = "contradicts-itself", "it contradicts arithmetic or its own source"
    PRECISION = "precision", "the interval still straddles an edge of the claimed region"
    BUDGET = "budget", "the budget ended before the smallest number of blocks"
    ESTIMAND_SENSITIVE = "estimand-sensitive", "the median and the mean of the blocks exclude each other"
    CONTROL_FAILED = "control-failed", "an arm against itself showed a difference"
    NO_STEADY_STATE = "no-steady-state", "step times had not settled after warm-up"
    DEPENDENCE = "dependence", "blocks depend on those before them, as drift of the machine makes them"
    INTERFERENCE = "interference", "other work, or the host of a virtual machine, disturbed the bursts"
    PARTNER_BUSY = "partner-busy", "processes that should have waited computed during another's bursts"
    IMPLAUSIBLE = "implausible", "a step came out faster than the chip can compute"
    SETTINGS_DIFFER = "settings-differ", "a declared setting was not in force, which voids the run"
    PARITY_FAILED = "parity-failed", "the arms do not compute the same thing, so no clock was started"
    INTERRUPTED = "interrupted", "the run was interrupted before it could decide"
    SMOKE = "smoke", "a smoke run proves that a verifier works and can never decide"
    OFF_SCOPE = "off-scope", "this machine is outside the claim's scope; the outcome is indicative"
    NO_HARDWARE = "no-hardware", "the hardware that the claim needs is not here"
    NO_SOFTWARE = "no-software", "software that the claim needs is not installed here"
    NO_DATA = "no-data", "no primary data of the claim's population and date is known"
    NO_REGION = "no-region", "the source states no figure that could be held against a measurement"
    NO_VERIFIER = "no-verifier", "no verifier has been written yet"
    NOT_RUN = "not-run", "a verifier exists and has not been run yet"
    NOT_TESTABLE = "not-testable", "it is advice or taste; no run or figure could settle it"
    CRASHED = "crashed", "the verifier failed; see the end of its log"


class Quantifier(Explained):
    """Over which cells the wording of a measured claim speaks."""

    TYPICAL = "typical", "the primary cell, the usual case"
    EVERY = "every", "all cells; one that fails refutes it"
    SOME = "some", "at least one cell"
    UP_TO = "up to", "at least one cell reaches the figure"


class Effect(Explained):
    """How the number of a claim is made from the values of its two arms."""

    RATIO = "ratio", "the quantity of one arm over that of the other, in the quantity's own sense"
    SPEEDUP = "speedup", "the other arm's time over this arm's time: above 1, this arm is faster"
    TREND = "trend", "slope of the absolute log speed-up per doubling of a swept condition"
    CONTRAST = "contrast", "the speed-up of the first arm pair over that of the second"
    NARROWING = "narrowing", "the distance of the first arm pair, as a factor, over that of the second"

    @property
    def over_pairs(self) -> bool:
        """Whether it is made from two arm pairs at one place."""
        return self in (Effect.CONTRAST, Effect.NARROWING)

    @property
    def per_cell(self) -> bool:
        """Whether each cell has it by itself."""
        return self in (Effect.RATIO, Effect.SPEEDUP)


class Hardware(Explained):
    """Classes of hardware over which verdicts are summed up."""

    CPU = "cpu", "the machine's processors"
    GPU = "gpu", "a graphics processor (CUDA, ROCm, MPS, XPU)"
    TPU = "tpu", "a tensor processing unit"
    ANY = "any", "settled by documents or arithmetic, on no hardware"


class Budget(Explained):
    """How much time a `verify` may take."""

    SMOKE = "smoke", "seconds: proves that the verifier works, never decides"
    QUICK = "quick", "3 minutes a claim, half of that where it can only be indicative"
    NORMAL = "normal", "10 minutes a claim"
    DEEP = "deep", "60 minutes a claim"


class Exit(IntEnum):
    """Exit statuses of `verify` and `kb`."""

    SUPPORTED = 0
    REFUTED = 1
    BAD_INPUT = 2
    INCONCLUSIVE = 3
    UNTESTED = 4
    FAILED = 5
    INTEGRITY = 6
    INTERRUPTED = 130
