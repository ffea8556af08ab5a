"""R2: which IV iron a medication is, by NDC, RxNorm, HCPCS, other mapped codings and names;
evidence must agree.

Held by tests/unit/test_products.py.
"""

import re
from collections.abc import Iterable, Mapping

from msgspec import Struct

from mappings import codes
from mappings.reading.drugs.mixtures import is_mixture
from mappings.reading.fhir.statuses import PLAIN, StatusReader
from mappings.record import Coding, Concept, Drug
from mappings.values import words
from mappings.values.remembered import Bounded, Remembered

_QUALIFIER = re.compile(r"^(?:N4|NDC)[\s:#-]*(?=\d)", re.IGNORECASE)
# Where a name stands right beside its strength: "VENOFER20MG".
_NUMBERED = re.compile(r"(?<=[a-z])(?=\d)|(?<=\d)(?=[a-z])")
# Systems whose codes name a drug, also one that is not known here.
_HCPCS = re.compile(r"[A-Z]\d{4}(?![A-Z0-9])")
_DRUG_SYSTEMS = frozenset({"rxnorm", "ndc", "hcpcs", "cpt", "snomed"})
_ATC = ("http://www.whocc.no/atc", "urn:oid:2.16.840.1.113883.6.73")


class ProductEvidence(Struct, frozen=True):
    """`family` None: evidence that this is no billable IV iron, because of `not_iron`."""

    family: str | None
    says: str
    use: str | None = None
    not_iron: str | None = None


class Findings(Struct, frozen=True):
    """`names_a_drug`: whether the concept says which drug it is, known here or not. `unread_ndcs`:
    what stands in the place of an NDC; `unsaid_ndcs`: codes of packages whose system does not say
    that they are NDCs."""

    evidence: tuple[ProductEvidence, ...] = ()
    ndcs: tuple[str, ...] = ()
    unread_ndcs: tuple[str, ...] = ()
    unsaid_ndcs: tuple[str, ...] = ()
    diluted: bool = False
    names_a_drug: bool = False


def normal_ndc(text: str) -> str | None:
    """An NDC as 11 digits (5-4-2), with or without the `N4` or `NDC` of a claim or label before it;
    None where it is none, or ten digits without dashes (ambiguous)."""
    text = _QUALIFIER.sub("", text.strip()).strip()
    if re.fullmatch(r"[0-9]{11}", text):
        return text
    found = re.fullmatch(r"([0-9]{4,5})-([0-9]{3,4})-([0-9]{1,2})", text)
    if not found or len(text) not in (12, 13):
        return None
    labeler, product, package = found.groups()
    return labeler.zfill(5) + product.zfill(4) + package.zfill(2)


def hcpcs(text: str) -> str:
    """A HCPCS code in small letters, or with its modifiers, is that code; other texts stay."""
    found = _HCPCS.match(text.strip().upper())
    return found[0] if found else text


def _unread_ndcs(concept: Concept) -> Iterable[str]:
    codings = (one.code for one in concept.codings if one.system == "ndc" and one.code)
    return (code for code in codings if normal_ndc(code) is None)


def _unsaid_ndcs(concept: Concept) -> Iterable[str]:
    others = (one.code for one in concept.codings if one.system not in _DRUG_SYSTEMS)
    return (code for code in others if (normal_ndc(code) or "") in codes.packages())


class ProductFinder:
    """Finds IV irons in concepts; keeps what it found, because an EHR repeats the same few
    medications."""

    def __init__(
        self, aliases: Mapping[str, str] | None = None, statuses: StatusReader = PLAIN
    ) -> None:
        self.statuses = statuses
        self._aliases = words.folded(aliases or {})
        self._found = Remembered(self._look)
        # What concepts alone name, as `medication.drug` worked it out.
        self.drugs: Bounded[Concept, Drug] = Bounded()
        families = codes.families().values()
        self._names = {words.plain(name): row.family for row in families for name in row.names}
        self._any_name = re.compile(
            "|".join(sorted(map(re.escape, self._names), key=len, reverse=True))
        )
        self._rxnorm = {code: row.family for row in families for code in row.rxnorm}
        self._atc = {code: row.family for row in families for code in row.atc}
        self._hcpcs = {code.code: (row.family, code.use) for row in families for code in row.codes}
        self._hcpcs |= {code: (row.family, None) for row in families for code in row.retired}
        self._not_billable = {row.product: row.what for row in codes.package_table().not_billable}

    def find(self, concept: Concept) -> Findings:
        """What a concept says about the product."""
        return self._found[concept]

    def _look(self, concept: Concept) -> Findings:
        evidence: list[ProductEvidence] = []
        ndcs: list[str] = []
        for coding in concept.codings:
            evidence += self._by_code(coding, ndcs)
        texts = concept.words
        for text in dict.fromkeys(texts):
            evidence += self._by_name(text)
        families = {item.family for item in evidence if item.family}
        diluted = any(is_mixture(text, families) for text in texts)
        return Findings(
            tuple(dict.fromkeys(evidence)),
            tuple(dict.fromkeys(ndcs)),
            tuple(_unread_ndcs(concept)),
            tuple(_unsaid_ndcs(concept)),
            diluted,
            any(coding.code and coding.system in _DRUG_SYSTEMS for coding in concept.codings)
            or any(not codes.giving().names_nothing.is_all_of(text) for text in texts),
        )

    def _by_code(self, coding: Coding, ndcs: list[str]) -> Iterable[ProductEvidence]:
        alias = self._aliases.get(f"{coding.system}|{coding.code}")
        if alias:
            yield ProductEvidence(alias, f"local code {coding.code}")
        if coding.system == "ndc":
            yield from self._by_ndc(coding.code, ndcs)
        elif coding.system == "rxnorm":
            yield from self._by_rxnorm(coding.code)
        elif coding.system in ("hcpcs", "cpt"):
            yield from self._by_hcpcs(coding.code)
        elif coding.system in _ATC and coding.code in self._atc:
            yield ProductEvidence(self._atc[coding.code], f"ATC {coding.code}")

    def _by_hcpcs(self, text: str) -> Iterable[ProductEvidence]:
        code = hcpcs(text)
        if code in self._hcpcs:
            family, use = self._hcpcs[code]
            yield ProductEvidence(family, f"HCPCS {code}", use)

    def _by_ndc(self, text: str, ndcs: list[str]) -> Iterable[ProductEvidence]:
        ndc = normal_ndc(text)
        # A listing's NDC without its package (5-3) shows a bulk ingredient as well as a whole one.
        product = (ndc or normal_ndc(f"{text}-00") or "")[:9]
        if product in self._not_billable:
            yield ProductEvidence(None, f"NDC {text}", not_iron=self._not_billable[product])
            return
        if ndc is None:
            return
        ndcs.append(ndc)
        package = codes.packages().get(ndc)
        if package:
            yield ProductEvidence(package.family, f"NDC {ndc}")

    def _by_rxnorm(self, code: str) -> Iterable[ProductEvidence]:
        if code in self._rxnorm:
            yield ProductEvidence(self._rxnorm[code], f"RxNorm {code}")
        elif code in codes.products().not_iv_iron.rxnorm:
            yield ProductEvidence(None, f"RxNorm {code}", not_iron="an iron by mouth")

    def _by_name(self, text: str) -> Iterable[ProductEvidence]:
        plain = words.plain(text)
        alias = self._aliases.get(plain)
        if alias:
            yield ProductEvidence(alias, "local name")
        yield from self._by_hcpcs(text) if _HCPCS.fullmatch(text.strip().upper()) else ()
        named = list(self._families_named(plain))
        if not named:
            plain = _NUMBERED.sub(" ", plain)
            named = list(self._families_named(plain))
        for family in dict.fromkeys(named):
            if not codes.families()[family].vague or _names_no_other(family, plain):
                yield ProductEvidence(family, "name", self._presentation(family, plain))

    def _families_named(self, plain: str) -> Iterable[str]:
        """Names overlap by their enclosing spaces, so the text is searched once for each name that
        can start in it. One around which something else is given is not named."""
        position = 0
        while found := self._any_name.search(plain, position):
            if not codes.products().is_around(plain[: found.start() + 1]):
                yield self._names[found[0]]
            position = found.end() - 1

    @staticmethod
    def _presentation(family: str, plain: str) -> str | None:
        for presentation in codes.families()[family].presentations:
            if any(words.plain(name) in plain for name in presentation.names):
                return presentation.use
        return None


def agreed(evidence: Iterable[ProductEvidence]) -> tuple[str | None, str | None, str | None]:
    """Family, presentation and clash of all evidence together. Without a family and a clash it is
    no IV iron."""
    evidence = list(evidence)
    if not evidence:
        return None, None, None
    named = {item.family: item for item in reversed(evidence) if item.family}
    vague = {family for family in named if codes.families()[family].vague}
    if len(named) > len(vague):
        named = {family: item for family, item in named.items() if family not in vague}
    against = next((item for item in evidence if item.not_iron), None)
    if len(named) > 1:
        several = [named[family] for family in sorted(named)]
        return None, None, " but ".join(map(_says_which, several))
    if named and against:
        first = next(iter(named.values()))
        return None, None, f"{_says_which(first)} but {against.says} is {against.not_iron}"
    use = next((item.use for item in evidence if item.family and item.use), None)
    return next(iter(named), None), use, None


def _names_no_other(family: str, plain: str) -> bool:
    """Whether a text says no more than that it is an iron: "IV iron", not what is given before
    one."""
    rest = plain
    for name in codes.families()[family].names:
        rest = rest.replace(words.plain(name), "  ")
    return codes.giving().names_nothing.is_all_of(rest)


def _says_which(evidence: ProductEvidence) -> str:
    return f"{evidence.says} says {codes.families()[evidence.family or ''].name}"
