"""Writes subjects with the marker in every place and encoding, and some without,
as JSON lines. With the argument "-", it reads JSON lines instead, each a list of a
kind and a value.

Each line is a list: kind, value of the Subject field in octets (as Latin-1),
and the texts that Python's email package reads in it.
"""

import base64
import email
import email.header
import email.policy
import json
import re
import sys

TEXTS = ["[secure] results", "Re: [Secure] results", "results [SECURE]", "[secure]"]
WESTERN = "Zoë [secure] café"
EASTERN = ["【secure】 results", "Re: ［secure］", "〔secure〕", "「secure」 x"]

UNMARKED = "unmarked"

CHARSETS = {  # what is declared: Python's codec
    **{name: name for name in """
        us-ascii utf-8 utf-16 utf-16be utf-16le utf-32 utf-32be utf-32le utf-7
        iso-8859-1 iso-8859-2 iso-8859-3 iso-8859-4 iso-8859-5 iso-8859-6 iso-8859-7
        iso-8859-8 iso-8859-9 iso-8859-10 iso-8859-13 iso-8859-14 iso-8859-15 iso-8859-16
        windows-1250 windows-1251 windows-1252 windows-1253 windows-1254 windows-1255
        windows-1256 windows-1257 windows-1258 koi8-r koi8-u macintosh cp437 cp850 cp866
        iso-2022-jp shift_jis euc-jp gb2312 gbk gb18030 big5 euc-kr hz-gb-2312
        iso-2022-kr cp932 cp949 cp950 johab tis-620
        cp037 cp1140 cp500 cp273 cp1026
        """.split()},
    "iso-10646-ucs-2": "utf-16-be", "ibm037": "cp037", "ibm01140": "cp1140",
    "windows-31j": "cp932", "ks_c_5601-1987": "euc-kr", "x-sjis": "shift_jis",
    "unicode-1-1-utf-7": "utf-7", "utf8": "utf-8", "latin1": "latin-1",
}
# No client reads these but as declared.
ONLY_DECLARED = ["johab", "iso-2022-kr"]
EBCDIC = ["cp037", "cp1140", "cp500", "cp273", "cp1026"]
ONLY_CODEC = ["euc_jis_2004", "shift_jisx0213", "big5hkscs", "iso2022_jp_2"]


def b64(octets):
    return base64.b64encode(octets).decode()


def qp(octets, safe=b""):
    return "".join(
        "_" if c == 0x20 else chr(c) if bytes([c]).isalnum() or c in safe else "=%02X" % c
        for c in octets)


def word(charset, encoding, content):
    return f"=?{charset}?{encoding}?{content}?="


def encode(text, codec):
    try:
        return text.encode(codec)
    except UnicodeEncodeError:
        return None


def declared():
    """The charset is as declared, in whole words, and cut between octets."""
    for charset, codec in CHARSETS.items():
        for text in TEXTS + [WESTERN] + EASTERN:
            octets = encode(text, codec)
            if octets is None:
                continue
            yield "declared", word(charset, "B", b64(octets))
            yield "declared", "Re: " + word(charset.upper() + "*en", "q", qp(octets)) + " x"
            for at in range(1, len(octets), 5):
                yield "cut between octets", word(charset, "B", b64(octets[:at])) + "\r\n " + word(charset, "B", b64(octets[at:]))


def cut():
    """The encoded text is cut anywhere."""
    for text in TEXTS + [WESTERN]:
        for charset, codec in ("utf-8", "utf-8"), ("iso-8859-1", "latin-1"), ("utf-16le", "utf-16-le"), ("ibm037", "cp037"):
            octets = text.encode(codec)
            for encoding, content in ("B", b64(octets)), ("Q", qp(octets)), ("B", b64(octets).rstrip("=")):
                for at in range(1, len(content)):
                    gap = [" ", "\r\n\t", ""][at % 3]
                    yield "cut anywhere", word(charset, encoding, content[:at]) + gap + word(charset, encoding, content[at:])
                    third = at + (len(content) - at) // 2
                    parts = content[:at], content[at:third], content[third:]
                    yield "cut in three", " ".join(word(charset, encoding, part) for part in parts)


def malformed():
    """One fault in an otherwise whole word."""
    for text in TEXTS:
        octets = text.encode()
        for encoding, content in ("B", b64(octets)), ("Q", qp(octets)):
            whole = word("utf-8", encoding, content)
            head = len(f"=?utf-8?{encoding}?")
            for at in range(head + 1):
                for blank in " ", "\r\n ", "\t":
                    yield "blank in the head", whole[:at] + blank + whole[at:]
            for at in range(head, len(whole)):
                yield "blank in the content", whole[:at] + " " + whole[at:]
            for at, c in enumerate(whole):
                if c in "?" or at in (0, len(whole) - 1):
                    less = whole[:at] + whole[at + 1:]
                    yield "a character too few", less
                    yield "a character too few", less + " " + word("utf-8", "Q", "more")
                    yield "a character too few", word("utf-8", "Q", "more") + " " + less
            names = {"B": ["BASE64", "base64", "base-64", ""], "Q": ["QP", "qp", "quoted-printable", "QUOTED-PRINTABLE", ""]}
            for name in names[encoding]:
                yield "name of the encoding", word("utf-8", name, content)
                for at in range(1, len(content), 2):
                    yield "name of the encoding, cut", word("utf-8", name, content[:at]) + " " + word("utf-8", name, content[at:])
            for charset in '"utf-8"', "'utf-8'", "", "x-unknown", "iso-8859-99", "windows-1259", "unknown-8bit", "default", "utf-8; x":
                yield "charset that nobody knows", word(charset, encoding, content)
            yield "touching text", "x" + whole + "y"
            yield "in quotes", f'"{whole}"'
            yield "stray characters", word("utf-8", encoding, content + "!")
            for outer in "B", "Q":
                inner = b64(whole.encode()) if outer == "B" else qp(whole.encode())
                yield "word in a word", word("utf-8", outer, inner)
                yield "word in a word", word("utf-8", outer, whole)
                twice = word("utf-8", outer, inner).encode()
                yield "word in a word in a word", word("utf-8", "B", b64(twice))
                yield "word in a word in a word", word("utf-8", "Q", qp(twice))


def lying():
    """The octets are in another charset than the declared one."""
    for charset in "utf-8", "us-ascii", "iso-8859-1", "windows-1252", "koi8-r", "utf-16", "utf-16be", "utf-32", "gb2312", "shift_jis", "ibm037", "x-unknown":
        for codec in sorted(set(CHARSETS.values()) - set(ONLY_DECLARED)):
            for text in TEXTS[:3] + [WESTERN] + EASTERN[:2]:
                octets = encode(text, codec)
                if charset == "ibm037" and codec in EBCDIC:
                    continue  # everybody sees the letters, and other brackets
                if octets is not None and not octets.isascii():
                    yield "another charset", word(charset, "B", b64(octets))
                elif octets is not None and charset in ("utf-16", "utf-16be", "utf-32", "ibm037"):
                    yield "another charset", word(charset, "Q", qp(octets))


def raw():
    """Octets without a charset, as they may stand in a header."""
    for codec in sorted(set(CHARSETS.values()) - set(ONLY_DECLARED)) + ONLY_CODEC:
        for text in [WESTERN] + EASTERN:
            octets = encode(text, codec)
            if octets and b"\0" not in octets and b"\n" not in octets and b"\r" not in octets and b"[secure]" not in octets and "]" not in text:
                yield "raw octets", octets.decode("latin-1")
                yield "raw octets", "Re: " + octets.decode("latin-1") + " x"


def unmarked():
    """The word is there, and is no marker."""
    for charset, codec in CHARSETS.items():
        if codec in ("utf-7", "johab", "iso-2022-kr", "cp500", "cp273", "cp1026"):
            continue  # not decoded, so that the word alone counts
        for text in "Zoë: secure unit visit", "Visit to a secure unit", "検査 secure 会議":
            octets = encode(text, codec)
            if octets is None:
                continue
            yield UNMARKED, word(charset, "B", b64(octets))
            yield UNMARKED, word(charset, "Q", qp(octets))
            for at in range(1, len(octets), 7):
                yield UNMARKED, word(charset, "B", b64(octets[:at])) + " " + word(charset, "B", b64(octets[at:]))
            if b"\0" not in octets and codec not in EBCDIC:
                yield UNMARKED, octets.decode("latin-1")
                if text.startswith("Zoë"):
                    yield UNMARKED, word("utf-8", "B", b64(octets))
                yield UNMARKED, word("iso-8859-1", "B", b64(octets))
                for at in range(1, len(b64(octets)), 5):
                    yield UNMARKED, word(charset, "B", b64(octets)[:at]) + " " + word(charset, "B", b64(octets)[at:])


def read(value):
    """The texts that the email package reads."""
    texts = []
    unfolded = value.replace("\r\n", "")
    try:
        texts.append("".join(
            part if isinstance(part, str) else part.decode(charset or "latin-1", "replace")
            for part, charset in email.header.decode_header(unfolded)))
    except (email.errors.HeaderParseError, LookupError):
        pass
    try:
        message = email.message_from_bytes(b"Subject: " + value.encode("latin-1") + b"\r\n\r\n", policy=email.policy.default)
        texts.append(str(message["Subject"]))
    except Exception:  # the package fails on some of them
        pass
    return texts


def given():
    """Subjects from the standard input."""
    for line in sys.stdin:
        yield json.loads(line)


seen = set()
for family in [given] if "-" in sys.argv else [declared, cut, malformed, lying, raw, unmarked]:
    for kind, value in family():
        if value not in seen and not re.search("[\0\r\n]", value.replace("\r\n", "")):
            seen.add(value)
            print(json.dumps([kind, value, read(value)], ensure_ascii=True))
