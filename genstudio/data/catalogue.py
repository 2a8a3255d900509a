"""Known datasets that can be downloaded on request. Nothing is offered whose size and SHA-256 are not known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from genstudio.data.info import Kind

Form = Literal["plain", "gzip", "zip", "idx", "cifar", "pictures"]


@dataclass(frozen=True)
class Part:
    """A file to download: `urls` are the same file at different places, `name` is what it is saved as."""

    name: str
    urls: tuple[str, ...]
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Offer:
    """A dataset that can be downloaded.

    `form` says how its parts become one: `plain` files and `gzip`ped ones are imported as they are, of a `zip` only the
    `members` are, with at most `unpacked` bytes; `idx` are pictures with labels, `cifar` its binary version,
    `pictures` an archive of them. `page` is where a person can read about it.
    """

    name: str
    title: str
    kind: Kind
    parts: tuple[Part, ...]
    licence: str
    description: str
    page: str
    form: Form = "plain"
    members: tuple[str, ...] = ()
    unpacked: int = 0
    classes: tuple[str, ...] = ()
    label: int = 0
    """Of `cifar`: which of the bytes before a picture is its label."""

    @property
    def bytes(self) -> int:
        """What has to be downloaded."""
        return sum(part.bytes for part in self.parts)


@dataclass(frozen=True)
class Elsewhere:
    """A dataset that is not offered: a person can open the page, download it, and import the file."""

    title: str
    page: str
    why: str


_TINY = "https://raw.githubusercontent.com/karpathy/char-rnn/370cbcd448eb7daf32f21a6be560b70e0b33c4e3/data/tinyshakespeare/input.txt"
_MULTI30K = "https://raw.githubusercontent.com/multi30k/dataset/master/data/task1/raw/"
_MNIST = ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/")
_FASHION = ("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",)
_KMNIST = ("http://codh.rois.ac.jp/kmnist/dataset/kmnist/",)
_TRAIN = ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz")
_TEST = ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz")
_DIGITS = tuple("0123456789")
_CLOTHES = (
    "T-shirt", "trousers", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot",
)  # fmt: skip
_KANA = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")
_CIFAR = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_CIFAR_100 = (
    "apple", "aquarium fish", "baby", "bear", "beaver", "bed", "bee", "beetle", "bicycle", "bottle", "bowl", "boy",
    "bridge", "bus", "butterfly", "camel", "can", "castle", "caterpillar", "cattle", "chair", "chimpanzee", "clock",
    "cloud", "cockroach", "couch", "crab", "crocodile", "cup", "dinosaur", "dolphin", "elephant", "flatfish", "forest",
    "fox", "girl", "hamster", "house", "kangaroo", "keyboard", "lamp", "lawn mower", "leopard", "lion", "lizard",
    "lobster", "man", "maple tree", "motorcycle", "mountain", "mouse", "mushroom", "oak tree", "orange", "orchid",
    "otter", "palm tree", "pear", "pickup truck", "pine tree", "plain", "plate", "poppy", "porcupine", "possum",
    "rabbit", "raccoon", "ray", "road", "rocket", "rose", "sea", "seal", "shark", "shrew", "skunk", "skyscraper",
    "snail", "snake", "spider", "squirrel", "streetcar", "sunflower", "sweet pepper", "table", "tank", "telephone",
    "television", "tiger", "tractor", "train", "trout", "tulip", "turtle", "wardrobe", "whale", "willow tree", "wolf",
    "woman", "worm",
)  # fmt: skip


def _parts(places: tuple[str, ...], *files: tuple[str, int, str]) -> tuple[Part, ...]:
    return tuple(Part(name, tuple(place + name for place in places), size, sha256) for name, size, sha256 in files)


OFFERS: tuple[Offer, ...] = (
    Offer("tiny-shakespeare", "Tiny Shakespeare", "text",
        (Part("tiny-shakespeare.txt", (_TINY,), 1_115_394,
            "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"),),
        "Public domain", "The exact file on which published results for small language models were measured.",
        "https://github.com/karpathy/char-rnn"),
    Offer("makemore-names", "Names of makemore", "text",
        (Part("makemore-names.txt", ("https://raw.githubusercontent.com/karpathy/makemore/master/names.txt",), 228_145,
            "0a30b5557f192f32ab962680889aac5f6fda0f4cecf40a6d0b5694f58ea8cc4d"),),
        "MIT", "32,033 first names, one per line.", "https://github.com/karpathy/makemore"),
    Offer("text8", "text8", "text",
        (Part("text8.zip", ("http://mattmahoney.net/dc/text8.zip",), 31_344_016,
            "a6640522afe85d1963ad56c05b0ede0a0c000dddc9671758a6cc09b7a38e5232"),),
        "CC BY-SA (Wikipedia)", "100 million characters of Wikipedia from 2006: only a to z and spaces.",
        "http://mattmahoney.net/dc/textdata.html", "zip", ("text8",), 100_000_000),
    Offer("wikitext-2", "WikiText-2", "text",
        (Part("wikitext-2-raw-v1.zip",
            ("https://huggingface.co/datasets/ggml-org/ci/resolve/main/wikitext-2-raw-v1.zip",), 4_721_645,
            "ef7edb566e3e2b2d31b29c1fdb0c89a4cc683597484c3dc2517919c615435a11"),),
        "CC BY-SA (Wikipedia)", "Good and featured articles of Wikipedia; three files: training, validation, test.",
        "https://huggingface.co/datasets/Salesforce/wikitext", "zip",
        ("wikitext-2-raw/wiki.train.raw", "wikitext-2-raw/wiki.valid.raw", "wikitext-2-raw/wiki.test.raw"), 20_000_000),
    Offer("multi30k-en-de", "Multi30k, English and German", "pairs",
        _parts((_MULTI30K,),
            ("train.en.gz", 568_929, "d79cfa999dd4c51d2cb42499b6796d5a882c3a8a961923c25a898c90f8bbd56f"),
            ("train.de.gz", 637_044, "726e39b2fa9eb9ffb6dc763fb35a179f80fae06ffc5d28b6ace5faa883de28a6")),
        "Not stated (captions of Flickr30k): for research", "29,000 captions of photos and their translations.",
        "https://github.com/multi30k/dataset", "gzip", unpacked=16_000_000),
    Offer("multi30k-en-fr", "Multi30k, English and French", "pairs",
        _parts((_MULTI30K,),
            ("train.en.gz", 568_929, "d79cfa999dd4c51d2cb42499b6796d5a882c3a8a961923c25a898c90f8bbd56f"),
            ("train.fr.gz", 604_242, "622e75069e9f4c577425c4f277116ce66e63a2401c0a2312d90073cb12379a3c")),
        "Not stated (captions of Flickr30k): for research", "29,000 captions of photos and their translations.",
        "https://github.com/multi30k/dataset", "gzip", unpacked=16_000_000),
    Offer("mnist", "MNIST, all 60,000 digits", "images",
        _parts(_MNIST,
            (_TRAIN[0], 9_912_422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
            (_TRAIN[1], 28_881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c")),
        "CC BY-SA 3.0", "Handwritten digits, 28x28: the training set.", "http://yann.lecun.com/exdb/mnist/", "idx",
        classes=_DIGITS, unpacked=60_000_000),
    Offer("mnist-test", "MNIST, test set", "images",
        _parts(_MNIST,
            (_TEST[0], 1_648_877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
            (_TEST[1], 4_542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6")),
        "CC BY-SA 3.0", "10,000 handwritten digits, 28x28, by other writers.", "http://yann.lecun.com/exdb/mnist/",
        "idx", classes=_DIGITS, unpacked=60_000_000),
    Offer("fashion-mnist", "Fashion-MNIST, all 60,000 clothes", "images",
        _parts(_FASHION,
            (_TRAIN[0], 26_421_880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
            (_TRAIN[1], 29_515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845")),
        "MIT", "Clothes, shoes and bags, 28x28: the training set.",
        "https://github.com/zalandoresearch/fashion-mnist", "idx", classes=_CLOTHES, unpacked=60_000_000),
    Offer("kmnist", "KMNIST, 60,000 kana", "images",
        _parts(_KMNIST,
            (_TRAIN[0], 18_165_135, "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4"),
            (_TRAIN[1], 29_497, "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17")),
        "CC BY-SA 4.0", "Ten characters of old Japanese cursive script, 28x28: the training set.",
        "http://codh.rois.ac.jp/kmnist/", "idx", classes=_KANA, unpacked=60_000_000),
    Offer("cifar-10", "CIFAR-10", "images",
        (Part("cifar-10-binary.tar.gz", ("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",), 170_052_171,
            "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"),),
        "Not stated; cite Krizhevsky 2009", "50,000 colour photos, 32x32, in ten classes: the training set.",
        "https://www.cs.toronto.edu/~kriz/cifar.html", "cifar",
        tuple(f"cifar-10-batches-bin/data_batch_{i}.bin" for i in range(1, 6)), 50_000 * 3073, _CIFAR),
    Offer("cifar-100", "CIFAR-100", "images",
        (Part("cifar-100-binary.tar.gz", ("https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",), 168_513_733,
            "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec"),),
        "Not stated; cite Krizhevsky 2009", "50,000 colour photos, 32x32, in a hundred classes: the training set.",
        "https://www.cs.toronto.edu/~kriz/cifar.html", "cifar", ("cifar-100-binary/train.bin",), 50_000 * 3074,
        _CIFAR_100, 1),
    Offer("omniglot", "Omniglot", "images",
        (Part("omniglot.zip", ("https://github.com/brendenlake/omniglot/raw/master/python/images_background.zip",),
            9_464_212, "ad41ab679c8b5d90b271ef46be6987cc81211774a695c29dcc5367b2b26ee640"),),
        "MIT", "964 letters of 30 alphabets, each drawn by 20 people, 105x105.",
        "https://github.com/brendenlake/omniglot", "pictures"),
    Offer("flowers-102", "Flowers", "images",
        (Part("102flowers.tgz", ("https://www.robots.ox.ac.uk/~vgg/data/flowers/102/102flowers.tgz",), 344_862_509,
            "2d01ecc807db462958cfe3d92f57a8c252b4abd240eb955770201e45f783b246"),),
        "Not stated; for research", "8,189 photos of flowers, without labels.",
        "https://www.robots.ox.ac.uk/~vgg/data/flowers/102/", "pictures"),
)  # fmt: skip
CATALOGUE: Mapping[str, Offer] = {offer.name: offer for offer in OFFERS}

ELSEWHERE: tuple[Elsewhere, ...] = (
    Elsewhere(
        "TinyStories", "https://huggingface.co/datasets/roneneldan/TinyStories", "2.2 GB; its hash is not verified"
    ),
    Elsewhere("French-English sentences of Tatoeba", "https://www.manythings.org/anki/", "changes every few weeks"),
    Elsewhere(
        "EMNIST", "https://www.nist.gov/itl/products-and-services/emnist-dataset", "two different versions are in "
        "circulation"
    ),
    Elsewhere("SVHN", "http://ufldl.stanford.edu/housenumbers/", "its MATLAB files cannot be read here"),
    Elsewhere("STL-10", "https://cs.stanford.edu/~acoates/stl10/", "2.6 GB in its own format"),
    Elsewhere(
        "Imagenette", "https://github.com/fastai/imagenette", "may have been repacked since its hash was recorded"
    ),
    Elsewhere("Quick, Draw!", "https://github.com/googlecreativelab/quickdraw-dataset", "its hashes are not verified"),
    Elsewhere("dSprites", "https://github.com/google-deepmind/dsprites-dataset", "its HDF5 file cannot be read here"),
)
"""Not verified, or of a form that the import does not know: open the page yourself."""
