"""American spelling, in every text of the repository: what it says goes into charts in the US."""

import re
from collections import defaultdict
from fnmatch import fnmatch

import pytest

from tests.unit.test_repository import repository_texts

# Whole words, in lower case, and the letters that American English drops, adds or turns.
BRITISH = re.compile(
    r"""
    .*(?:haem|anaem|naemi|leukaem|uraem|ischaem|oedem|oesoph|oestr|paediat|gynaec|orthopaed
    |anaesth).* | .*(?:rrhoea|pnoea|leucoc|coeliac|foet|caesium|aluminium|sulph).* | faec(?:al|es)
    | (?:cent|theat|tit|calib|fib|lust|meag|spect|somb|manoeuv)re[sd]?
    | (?:\w*[aeiou])?(?:lit|met)re[sd]?
    | (?:arm|behavi|col|endeav|fav|flav|harb|hon|hum|lab|neighb|od|rig|rum|sav|tum|val|vap|disc
      |disfav|dishon) our(?:s|ed|er|ing|able|ably|ful|less|ite|ites|al|hood|ly)?
    | (?:re|un|de|dis)?(?:aliment|apolog|author|capital|categor|central|character|custom|critic
      |digit|emphas|epitom|final|formal|general|harmon|hospital|initial|item|local|material
      |maxim|memor|minim|mobil|modern|monet|normal|optim|organ|parameter|penal|plural|popular
      |prior(?:it)?|random|rational|real|recogn|regular|sanit|serial|special|stabil|standard
      |steril|summar|synchron|token|util|vectori|visual|vapor|anonym|pseudonym|canonical|context
      |synthes|symbol|system|fertil|immun|neutral|oxid|polar|scrutin|subsid|equal|civil|legal
      |fragment) is(?:e|ed|es|er|ers|ing|able|ation|ations)
    | (?:anal|catal|dial|electrol|hemol|hydrol|paral)ys(?:e|ed|es|er|ers|ing)
      (?<!analyses)(?<!dialyses)
    | (?:un|re|mis)?(?:cancel|channel|counsel|dial|fuel|initial|label|level|model|signal|total
      |travel|equal|panel) l(?:ed|ing|er|ers|able)
    | (?:enrol|fulfil|instal|instil|distil)(?:s|ment|ments)? | (?:skil|wil)ful(?:ly)? | jewellery
    | (?:un)?licenc(?:e|es|ed|ing) | (?:def|off|pret)ences?
    | practis(?:e|ed|es|ing) | (?:judge|acknowledge|abridge)ments? | ageing | artefacts? | cheques?
    | programmes? | (?:cata|ana|homo)logues? | greys? | (?:sceptic|mould|plough|smould)\w* | tyres?
    | kerbs? | (?:size|like|use|move|sale)able | storeys? | whilst | amongst
    | (?:learn|spel|burn|spoil|drea?m|lean)t | (?:to|after|back|for|up|down|out|in)wards
    | fortnight(?:s|ly)? | autumn | thrice | nought | specialit(?:y|ies)
    """,
    re.VERBOSE,
)
NOT_OURS = {
    "*LICENSE*": "the words of who licenses",
    "*/static/htmx.min.js": "another's program",
    "requirements/*": "hashes",
    "tests/data/*": "what publishers and other projects wrote",
    "tests/unit/test_spelling.py": "this list",
}
# Files → words that stand in them. What charts write is read, however it is spelled.
READ_IN_CHARTS = {
    "mappings/codes/diagnoses.yaml": {"haemodiafiltration", "haemodialysis"},
    "mappings/codes/giving.yaml": {"haemodialysis"},
    "mappings/codes/labs.yaml": {"haemolysed", "haemolysis", "haemolyzed", "hemolysed"},
    "mappings/codes/products.yaml": {"analogues", "angioedema", "sulphate"},
    "mappings/reading/drugs/mixtures.py": {"litre"},
    "docs/rules/diagnoses.md": {"haemodiafiltration", "haemodialysis"},
    "docs/rules/giving.md": {"haemodialysis"},
    "docs/rules/laboratory.md": {"haemolysed", "haemolysis", "haemolyzed", "hemolysed"},
    "docs/rules/products.md": {"sulphate"},
    "tests/scenarios/orders_notes.yaml": {"fortnight"},
    "tests/unit/test_products.py": {"litre"},
    "tests/unit/test_timings.py": {"fortnight"},
}
# `cancelled` is a code of FHIR, `CancelledError` one of Python; in a sentence it has one l.
OF_A_STANDARD = {"cancelled", "labelledby"}
CODE_IN_A_SENTENCE = re.compile(r"[a-z] cancelled\b|\bcancelled [a-z]|\bCancelled(?: [a-z]|:)")
WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]{2,}")


def british(word: str) -> bool:
    return word not in OF_A_STANDARD and BRITISH.fullmatch(word) is not None


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    return {
        path: text
        for path, text in repository_texts().items()
        if "\0" not in text and not any(fnmatch(path, pattern) for pattern in NOT_OURS)
    }


@pytest.fixture(scope="module")
def british_words(texts: dict[str, str]) -> dict[str, set[str]]:
    """Path → what is spelled in another way than in the US."""
    paths_by_word = defaultdict(set)
    for path, text in texts.items():
        for word in set(WORD.findall(text)):
            paths_by_word[word.lower()].add(path)
    found = defaultdict(set)
    for word in filter(british, paths_by_word):
        for path in paths_by_word[word]:
            found[path].add(word)
    return dict(found)


def test_words_are_american_but_those_of_charts(british_words: dict[str, set[str]]) -> None:
    """What no longer stands in its file is to be taken from READ_IN_CHARTS as well."""
    assert british_words == READ_IN_CHARTS


def test_a_code_of_fhir_is_no_word_of_a_sentence(texts: dict[str, str]) -> None:
    assert [path for path, text in texts.items() if CODE_IN_A_SENTENCE.search(text)] == []


@pytest.mark.parametrize(
    "word",
    WORD.findall(
        "haemoglobin anaemia oedema coeliac sulphate diarrhoea centre millilitre metres colours"
        " honoured unauthorised recognises prioritisation analysed labelled modelling fulfil"
        " enrolment licence defence practised judgement artefact cheque programme catalogue grey"
        " whilst spelt afterwards"
    ),
)
def test_british_words_are_seen(word: str) -> None:
    assert british(word)


@pytest.mark.parametrize(
    "word",
    WORD.findall(
        "hemoglobin center liter hour your four raise precise otherwise exercise analyses dialyses"
        " cancelled called filler fulfill enrollment license practice fence programmed parameter"
        " symmetric premise"
    ),
)
def test_american_words_are_not(word: str) -> None:
    assert not british(word)


@pytest.mark.parametrize(
    ("sentence", "seen"),
    [
        ("The order was cancelled.", True),
        ("a cancelled order", True),
        ("f'Cancelled: {why}.'", True),
        ("status: cancelled", False),
        ('{"completed", "cancelled", "failed"}', False),
    ],
)
def test_a_cancelled_order_has_one_l_in_a_sentence(sentence: str, seen: bool) -> None:
    assert bool(CODE_IN_A_SENTENCE.search(sentence)) is seen
