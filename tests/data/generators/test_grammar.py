"""The bilingual grammar, judged by tables of Spanish written down here and not taken from it."""

from __future__ import annotations

import re
from functools import cache

import pytest

from genstudio.data.datasets import PairDataset
from genstudio.data.generators import GENERATORS, lexicon, make, numerals
from genstudio.data.info import DatasetInfo

MASCULINE = tuple(
    str.split(
        "libro libros coche coches árbol árboles tren trenes sombrero sombreros zapato zapatos cuchillo cuchillos "
        "mapa mapas reloj relojes lápiz lápices camión camiones jardín jardines puente puentes vaso vasos perro "
        "perros gato gatos caballo caballos león leones ratón ratones pez peces elefante elefantes niño niños rey "
        "reyes médico médicos vecino vecinos capitán capitanes"
    )
)
FEMININE = tuple(
    str.split(
        "casa casas mesa mesas silla sillas ventana ventanas puerta puertas llave llaves flor flores carta cartas "
        "ciudad ciudades caja cajas canción canciones lámpara lámparas radio radios foto fotos manzana manzanas "
        "naranja naranjas vaca vacas araña arañas mariposa mariposas águila águilas niña niñas mujer mujeres reina "
        "reinas maestra maestras actriz actrices"
    )
)
ADJECTIVES = (
    "rojo roja rojos rojas/blanco blanca blancos blancas/negro negra negros negras/verde verde verdes verdes/"
    "azul azul azules azules/gris gris grises grises/pequeño pequeña pequeños pequeñas/grande grande grandes grandes/"
    "viejo vieja viejos viejas/hermoso hermosa hermosos hermosas/fuerte fuerte fuertes fuertes/"
    "ligero ligera ligeros ligeras/elegante elegante elegantes elegantes/ruidoso ruidosa ruidosos ruidosas/"
    "alto alta altos altas/joven joven jóvenes jóvenes/famoso famosa famosos famosas/amable amable amables amables/"
    "tranquilo tranquila tranquilos tranquilas/honesto honesta honestos honestas/cortés cortés corteses corteses/"
    "listo lista listos listas/cansado cansada cansados cansadas/enfermo enferma enfermos enfermas/"
    "contento contenta contentos contentas/triste triste tristes tristes/perdido perdida perdidos perdidas/"
    "dormido dormida dormidos dormidas"
)
DETERMINERS = (
    "el la los las/un una unos unas/mi mi mis mis/tu tu tus tus/su su sus sus/nuestro nuestra nuestros nuestras/"
    "este esta estos estas/ese esa esos esas"
)
CELLS = ("m", "f", "ms", "fs")
UNITS = {"uno": 1, "un": 1, "una": 1, "veintiún": 21, "veintiuna": 21, "cien": 100, "ciento": 100, "quinientos": 500,
         "setecientos": 700, "novecientos": 900}  # fmt: skip


def table(rows: str) -> dict[str, set[str]]:
    """Word -> the genders and numbers it can stand for."""
    found: dict[str, set[str]] = {}
    for row in rows.split("/"):
        for word, cell in zip(row.split(), CELLS, strict=True):
            found.setdefault(word, set()).add(cell)
    return found


NOUNS = {
    word: gender + ("s" if i % 2 else "")
    for words, gender in ((MASCULINE, "m"), (FEMININE, "f"))
    for i, word in enumerate(words)
}
ADJECTIVE_FORMS, DETERMINER_FORMS = table(ADJECTIVES), table(DETERMINERS)


def fault(spanish: str) -> str:
    """What is wrong with a sentence; empty where nothing is."""
    words = re.findall(r"\w+", spanish.lower())
    subject = ""
    for i, word in enumerate(words):
        if word not in NOUNS:
            continue
        cell = NOUNS[word]
        before = words[i - 1] if i else ""
        after = words[i + 1] if i + 1 < len(words) else ""
        if words[0] != "hay" and before in DETERMINER_FORMS:
            wanted = "m" if word == "águila" and before in ("el", "un", "la", "una") else cell
            if wanted not in DETERMINER_FORMS[before]:
                return f"{before} {word}"
        if before in ADJECTIVE_FORMS:
            return f"adjective before its noun: {before} {word}"
        if before == "del" and cell != "m":
            return f"del {word}"
        if after in ADJECTIVE_FORMS and cell not in ADJECTIVE_FORMS[after]:
            return f"{word} {after}"
        subject = subject or cell
    for i, word in enumerate(words):
        if word in ("es", "está", "son", "están") and words[0] != "hoy":
            if (word in ("son", "están")) != subject.endswith("s"):
                return f"{subject} {word}"
            if words[i + 1] in ADJECTIVE_FORMS and subject not in ADJECTIVE_FORMS[words[i + 1]]:
                return f"{word} {words[i + 1]}"
        if word in ("gusta", "gustan") and (word == "gustan") != subject.endswith("s"):
            return f"{word} of {subject}"
    if re.search(r"\bde el\b", spanish):
        return "de el"
    return count_fault(words[1:]) if words[0] == "hay" else ""


def count_fault(words: list[str]) -> str:
    place = next(i for i, word in enumerate(words) if word in NOUNS)
    number, cell = words[:place], NOUNS[words[place]]
    if (number in (["un"], ["una"])) == cell.endswith("s"):
        return f"{number} {words[place]}"
    for word in number:
        if re.search(r"(cient|quinient)[oa]s$", word) and word[-2] != ("o" if cell[0] == "m" else "a"):
            return f"{word} {words[place]}"
    last = number[-1]
    if (
        last in ("un", "una", "veintiún", "veintiuna")
        and last.endswith("a") != (cell[0] == "f")
        and words[place] != "águila"
    ):
        return f"{last} {words[place]}"
    return f"{last} {words[place]}" if last.endswith("uno") else ""


@cache
def pairs(seed: int = 0, count: int = 8000) -> PairDataset:
    generator = GENERATORS["toy-en-es"]
    details = generator.details({"seed": seed, "count": count})
    info = DatasetInfo("toy-en-es", "Toy", "pairs", "generated", __file__, 0, "", details=details)  # type: ignore[arg-type]
    found = make(info)
    assert isinstance(found, PairDataset)
    return found


def test_every_sentence_agrees() -> None:
    for seed in range(3):
        wrong = [(spanish, fault(spanish)) for spanish in pairs(seed).right if fault(spanish)]
        assert wrong == []


@pytest.mark.parametrize(
    "spanish",
    [
        "la libro", "los casas rojas", "las casas rojos", "la roja casa", "el águilas", "la águila negra",
        "El gato está debajo de el coche.", "El gato está debajo del casa.", "Los gatos es negros.",
        "La reina está cansado.", "Me gusta las casas.", "Me gustan la casa.", "Hay doscientos casas.",
        "Hay veintiún casas.", "Hay treinta y uno libros.", "Hay un libros.", "esta mapa", "ese fotos",
        "nuestro ciudad", "Veo unas árboles verdes.", "el casa verde", "los lápiz",
    ],
)  # fmt: skip
def test_the_judge_finds_what_is_wrong(spanish: str) -> None:
    assert fault(spanish)


def test_the_judge_knows_every_noun_and_adjective() -> None:
    nouns = [noun for group in (lexicon.THINGS, lexicon.ANIMALS, lexicon.PEOPLE) for noun in group]
    for noun in nouns:
        assert NOUNS[noun.in_spanish(False)] == noun.gender
        assert NOUNS[noun.in_spanish(True)] == noun.gender + "s"
    for adjective in (*lexicon.LASTING, *lexicon.CHARACTERS, *lexicon.PASSING):
        for cell in CELLS:
            gender = "f" if cell[0] == "f" else "m"
            assert cell in ADJECTIVE_FORMS[adjective.in_spanish(gender, cell.endswith("s"))]  # type: ignore[arg-type]


def test_known_sentences() -> None:
    found = {left: right for seed in range(3) for left, right in zip(pairs(seed).left, pairs(seed).right, strict=True)}
    known = {
        "The eagle is black.": "El águila es negra.",
        "The dog is behind the house.": "El perro está detrás de la casa.",
        "The neighbours are next to the train.": "Los vecinos están al lado del tren.",
        "Today is Tuesday, the fifth of May.": "Hoy es martes, cinco de mayo.",
        "You like the songs.": "Te gustan las canciones.",
        "He looks for his cars.": "Él busca sus coches.",
    }
    assert {english: found.get(english) for english in known} == known
    single = [(left, right) for left, right in found.items() if left.startswith("There is")]
    assert single and all(re.match(r"Hay una? ", right) for _, right in single)
    assert not any(left.startswith(("They like", "He like", "She like")) for left in found)


def test_english_agrees_too() -> None:
    for left in pairs().left:
        assert not re.search(r"\b[Aa] [aeio]", left), left
        assert not re.search(r"\b[Aa]n [^aeioh]", left), left
        assert not re.search(r"\b(these|those|some) \w*(?: ?\w*[^s])? ?(house|book|cat)\b", left), left
        if left.startswith(("He ", "She ")):
            assert left.split()[1].endswith("s"), left
        if found := re.match(r"There (is|are) (\S+)", left):
            assert (found[1] == "is") == (found[2] == "one" and "hundred" not in left), left


def test_pairs_are_different_capitalised_alike_and_reproducible() -> None:
    found = pairs()
    assert len(set(found.left)) == len(found.left) == 8000
    assert found.names == ("English", "Spanish")
    for left, right in zip(found.left, found.right, strict=True):
        assert left.endswith(".") == right.endswith(".") == left[0].isupper() == right[0].isupper()
    again = make(found.info)
    assert isinstance(again, PairDataset) and (again.left, again.right) == (found.left, found.right)
    assert pairs(1).left != found.left
    assert len(pairs(0, 30_000).left) == 30_000


SPANISH_VALUES = {
    word: value
    for words, values in (
        ("uno un una dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis diecisiete "
         "dieciocho diecinueve veinte", (1, 1, *range(1, 21))),
        ("veintiuno veintiún veintiuna veintidós veintitrés veinticuatro veinticinco veintiséis veintisiete veintiocho "
         "veintinueve", (21, 21, *range(21, 30))),
        ("treinta cuarenta cincuenta sesenta setenta ochenta noventa", range(30, 100, 10)),
        ("cien ciento doscientos trescientos cuatrocientos quinientos seiscientos setecientos ochocientos novecientos",
         (100, *range(100, 1000, 100))),
        ("doscientas trescientas cuatrocientas quinientas seiscientas setecientas ochocientas novecientas",
         range(200, 1000, 100)),
        ("y", (0,)),
    )
    for word, value in zip(words.split(), values, strict=True)
}  # fmt: skip


def test_spanish_numbers_read_back() -> None:
    for gender in (None, "m", "f"):
        words = [numerals.spanish(n, gender) for n in range(1, 1000)]  # type: ignore[arg-type]
        assert [sum(SPANISH_VALUES[word] for word in text.split()) for text in words] == list(range(1, 1000))
        assert len(set(words)) == 999
    assert numerals.spanish(31, "m") == "treinta y un"
    assert numerals.spanish(521, "f") == "quinientas veintiuna"
    assert (numerals.spanish(100), numerals.spanish(101)) == ("cien", "ciento uno")
    assert not any(" y " in numerals.spanish(n) for n in (16, 21, 29, 101, 110))


def test_english_numbers_read_back() -> None:
    ones = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
    teens = ["thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]
    tens = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
    values = {word: i + 1 for i, word in enumerate(ones + teens)} | {word: 20 + 10 * i for i, word in enumerate(tens)}

    def value(text: str) -> int:
        hundreds, _, rest = text.partition(" hundred") if "hundred" in text else ("", "", text)
        small = sum(values[word] for word in re.split("[ -]", rest.removeprefix(" and ").strip()) if word)
        return (values[hundreds] * 100 if hundreds else 0) + small

    assert [value(numerals.english(n)) for n in range(1, 1000)] == list(range(1, 1000))
    ordinals = {1: "first", 2: "second", 3: "third", 5: "fifth", 8: "eighth", 9: "ninth", 12: "twelfth", 20: "twentieth",
                21: "twenty-first", 22: "twenty-second", 30: "thirtieth", 31: "thirty-first", 4: "fourth"}  # fmt: skip
    for number, word in ordinals.items():
        assert numerals.english_ordinal(number) == word


def test_dates_exist() -> None:
    days = {"enero": 31, "febrero": 29, "marzo": 31, "abril": 30, "mayo": 31, "junio": 30, "julio": 31, "agosto": 31,
            "septiembre": 30, "octubre": 31, "noviembre": 30, "diciembre": 31}  # fmt: skip
    seen = set()
    for right in pairs(0, 30_000).right:
        if found := re.fullmatch(r"Hoy es (\w+), (.+) de (\w+)\.", right):
            number = 1 if found[2] == "primero" else sum(SPANISH_VALUES[word] for word in found[2].split())
            assert 1 <= number <= days[found[3]]
            seen.add((found[3], number))
    assert len(seen) > 300
