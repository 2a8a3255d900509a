"""Text to token ids and back: characters, bytes, words and byte pairs."""

from genstudio.data.tokenizers.bpe import BPETokenizer
from genstudio.data.tokenizers.byte import ByteTokenizer
from genstudio.data.tokenizers.characters import CharTokenizer
from genstudio.data.tokenizers.files import to_library, tokenizer_from_json
from genstudio.data.tokenizers.streaming import TextStream, continuation, texts
from genstudio.data.tokenizers.tokenizer import (
    CHUNK,
    Ids,
    Tokenizer,
    chunks,
    code_points,
    count_characters,
    printable,
)
from genstudio.data.tokenizers.words import WordTokenizer

__all__ = [
    "CHUNK",
    "BPETokenizer",
    "ByteTokenizer",
    "CharTokenizer",
    "Ids",
    "TextStream",
    "Tokenizer",
    "WordTokenizer",
    "chunks",
    "code_points",
    "continuation",
    "count_characters",
    "printable",
    "texts",
    "to_library",
    "tokenizer_from_json",
]
