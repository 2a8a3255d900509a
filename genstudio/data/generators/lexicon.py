"""The words of the bilingual grammar, and how English and Spanish bend them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Gender = Literal["m", "f"]

_ACCENTS = str.maketrans("áéíóú", "aeiou")
_VOWELS = "aeiouáéíóú"


@dataclass(frozen=True)
class Noun:
    """`stressed_a`: a feminine noun that takes el and un in the singular, because it begins with a stressed a.

    `place`: a thing large enough to stand beside.
    """

    english: str
    spanish: str
    gender: Gender
    english_plural: str = ""
    stressed_a: bool = False
    place: bool = False

    def in_english(self, plural: bool) -> str:
        return (self.english_plural or plural_english(self.english)) if plural else self.english

    def in_spanish(self, plural: bool) -> str:
        return plural_spanish(self.spanish) if plural else self.spanish


@dataclass(frozen=True)
class Adjective:
    """`spanish` is the masculine singular."""

    english: str
    spanish: str

    def in_spanish(self, gender: Gender, plural: bool) -> str:
        single = self.spanish[:-1] + "a" if gender == "f" and self.spanish.endswith("o") else self.spanish
        return plural_spanish(single) if plural else single


@dataclass(frozen=True)
class Verb:
    """English base and third person; Spanish yo, tú, él, nosotros, ellos. All in the present."""

    english: str
    english_third: str
    spanish: tuple[str, str, str, str, str]


def plural_english(noun: str) -> str:
    if noun.endswith(("s", "x", "z", "ch", "sh")):
        return noun + "es"
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + "s"


def plural_spanish(word: str) -> str:
    """Vowel + s; -z to -ces; -ón and the like lose their accent; other consonants + es."""
    if word.endswith("z"):
        return word[:-1] + "ces"
    if word[-1] in _VOWELS:
        return word + "s"
    if word[-1] in "ns" and word[-2] in "áéíóú":
        return word[:-2] + word[-2].translate(_ACCENTS) + word[-1] + "es"
    return {"joven": "jóvenes", "examen": "exámenes"}.get(word, word + "es")


def indefinite_english(following: str) -> str:
    """a or an, by how the following word of the lexicon begins to sound."""
    return "an" if following[0] in "aeio" or following.startswith("honest") else "a"


THINGS = (
    Noun("book", "libro", "m"),
    Noun("car", "coche", "m", place=True),
    Noun("tree", "árbol", "m", place=True),
    Noun("train", "tren", "m", place=True),
    Noun("hat", "sombrero", "m"),
    Noun("shoe", "zapato", "m"),
    Noun("knife", "cuchillo", "m", english_plural="knives"),
    Noun("map", "mapa", "m"),
    Noun("clock", "reloj", "m"),
    Noun("pencil", "lápiz", "m"),
    Noun("truck", "camión", "m", place=True),
    Noun("garden", "jardín", "m", place=True),
    Noun("bridge", "puente", "m", place=True),
    Noun("glass", "vaso", "m"),
    Noun("house", "casa", "f", place=True),
    Noun("table", "mesa", "f", place=True),
    Noun("chair", "silla", "f", place=True),
    Noun("window", "ventana", "f", place=True),
    Noun("door", "puerta", "f", place=True),
    Noun("key", "llave", "f"),
    Noun("flower", "flor", "f"),
    Noun("letter", "carta", "f"),
    Noun("city", "ciudad", "f"),
    Noun("box", "caja", "f", place=True),
    Noun("song", "canción", "f"),
    Noun("lamp", "lámpara", "f"),
    Noun("radio", "radio", "f"),
    Noun("photo", "foto", "f"),
    Noun("apple", "manzana", "f"),
    Noun("orange", "naranja", "f"),
)

ANIMALS = (
    Noun("dog", "perro", "m"),
    Noun("cat", "gato", "m"),
    Noun("horse", "caballo", "m"),
    Noun("lion", "león", "m"),
    Noun("mouse", "ratón", "m", english_plural="mice"),
    Noun("fish", "pez", "m", english_plural="fish"),
    Noun("elephant", "elefante", "m"),
    Noun("cow", "vaca", "f"),
    Noun("spider", "araña", "f"),
    Noun("butterfly", "mariposa", "f"),
    Noun("eagle", "águila", "f", stressed_a=True),
)

PEOPLE = (
    Noun("boy", "niño", "m"),
    Noun("king", "rey", "m"),
    Noun("doctor", "médico", "m"),
    Noun("neighbour", "vecino", "m"),
    Noun("captain", "capitán", "m"),
    Noun("girl", "niña", "f"),
    Noun("woman", "mujer", "f", english_plural="women"),
    Noun("queen", "reina", "f"),
    Noun("teacher", "maestra", "f"),
    Noun("actress", "actriz", "f"),
)

LASTING = (
    Adjective("red", "rojo"),
    Adjective("white", "blanco"),
    Adjective("black", "negro"),
    Adjective("green", "verde"),
    Adjective("blue", "azul"),
    Adjective("grey", "gris"),
    Adjective("small", "pequeño"),
    Adjective("big", "grande"),
    Adjective("old", "viejo"),
    Adjective("beautiful", "hermoso"),
    Adjective("strong", "fuerte"),
    Adjective("light", "ligero"),
    Adjective("elegant", "elegante"),
    Adjective("noisy", "ruidoso"),
)
"""Qualities of things and animals that last: `ser`."""

CHARACTERS = (
    Adjective("tall", "alto"),
    Adjective("young", "joven"),
    Adjective("famous", "famoso"),
    Adjective("kind", "amable"),
    Adjective("quiet", "tranquilo"),
    Adjective("honest", "honesto"),
    Adjective("polite", "cortés"),
    Adjective("clever", "listo"),
)
"""Qualities of people that last: `ser`."""

PASSING = (
    Adjective("tired", "cansado"),
    Adjective("ill", "enfermo"),
    Adjective("happy", "contento"),
    Adjective("sad", "triste"),
    Adjective("lost", "perdido"),
    Adjective("asleep", "dormido"),
)
"""States of people and animals that pass: `estar`. They stand behind the verb only."""

VERBS = (
    Verb("see", "sees", ("veo", "ves", "ve", "vemos", "ven")),
    Verb("have", "has", ("tengo", "tienes", "tiene", "tenemos", "tienen")),
    Verb("want", "wants", ("quiero", "quieres", "quiere", "queremos", "quieren")),
    Verb("buy", "buys", ("compro", "compras", "compra", "compramos", "compran")),
    Verb("sell", "sells", ("vendo", "vendes", "vende", "vendemos", "venden")),
    Verb("draw", "draws", ("dibujo", "dibujas", "dibuja", "dibujamos", "dibujan")),
    Verb("look for", "looks for", ("busco", "buscas", "busca", "buscamos", "buscan")),
)

SUBJECTS = (("I", "", 0), ("you", "", 1), ("he", "él ", 2), ("she", "ella ", 2), ("we", "", 3), ("they", "ellos ", 4))
"""English subject, Spanish subject where the verb does not tell it, index into a verb's Spanish forms."""

POSSESSIVES = (("my", "mi"), ("your", "tu"), ("his", "su"), ("our", "nuestro"))
DEMONSTRATIVES = (("this", "these", "este"), ("that", "those", "ese"))
PLACES = (("under", "debajo de"), ("next to", "al lado de"), ("behind", "detrás de"), ("in front of", "delante de"))

WEEKDAYS = (
    ("Monday", "lunes"), ("Tuesday", "martes"), ("Wednesday", "miércoles"), ("Thursday", "jueves"),
    ("Friday", "viernes"), ("Saturday", "sábado"), ("Sunday", "domingo"),
)  # fmt: skip
MONTHS = (
    ("January", "enero", 31), ("February", "febrero", 29), ("March", "marzo", 31), ("April", "abril", 30),
    ("May", "mayo", 31), ("June", "junio", 30), ("July", "julio", 31), ("August", "agosto", 31),
    ("September", "septiembre", 30), ("October", "octubre", 31), ("November", "noviembre", 30),
    ("December", "diciembre", 31),
)  # fmt: skip
