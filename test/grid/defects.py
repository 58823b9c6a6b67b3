"""What a kernel looks like whose author forgot a barrier: tile IR to tile IR, one function a kind."""

import re


def early_release(text):
    """A tile may be written over as soon as it is there."""
    pattern = (r"(?P<wait>( *)%\d+ = tile\.pipe\.wait (?P<use>%\d+\[%\w+\]).*\n)"
               r"(?P<read>(?: *%\d+ = tile\.(?:mma|wait) .*\n)+)(?P<release> *tile\.pipe\.release (?P=use).*\n)")
    return re.sub(pattern, r"\g<wait>\g<release>\g<read>", text)


def early_query(text):
    """The queries of a tile may be written over as soon as they are there."""
    producer, consumer = text.split("role consumer", 1)
    wait = re.search(r"^( *)(%\d+) = tile\.pipe\.wait (%\d+\[%\w+\]) (: .*) -> .*\n(?= *%\d+ = tile\.slice \2\[)",
                     consumer, re.M)
    indent, _, use, ring = wait.groups()
    kept = re.sub(rf"^ *tile\.pipe\.release {re.escape(use)}.*\n", "", consumer[wait.end():], flags=re.M)
    return f"{producer}role consumer{consumer[:wait.end()]}{indent}tile.pipe.release {use} {ring}\n{kept}"


def early_mail(text):
    """What a consumer is told of a tile may be written over once it is read, which is not where the rows are stored."""
    producer, consumer = text.split("role consumer", 1)
    consumer = re.sub(r"^ *tile\.mail\.release .*\n", "", consumer, flags=re.M)
    consumer = re.sub(r"^( *)%\d+:\d+ = tile\.mail\.take (%\w+\[%\w+\] : <.*?>).*\n", r"\g<0>\1tile.mail.release \2\n",
                      consumer, count=1, flags=re.M)
    return f"{producer}role consumer{consumer}"


def silent_peer(text):
    """Rings of a cluster are filled again without a word of its second workgroup."""
    rings = "|".join(re.findall(r"(%\w+) = tile\.pipe\.create .*cluster_wide", text))
    text = re.sub(r"consumers 2 (\{.*cluster_wide)", r"consumers 1 \1", text)
    text = text.replace("tile.specialize", "%rank = tile.cluster_rank\n%zero = arith.constant 0 : i32\n"
                        "%speaks = arith.cmpi eq, %rank, %zero : i32\ntile.specialize", 1)
    return re.sub(rf"(tile\.pipe\.release (?:{rings})\[%\w+\])( :)", r"\1 when %speaks\2", text)


def no_acquire(text):
    """Tiles are written over whoever still reads them."""
    return re.sub(r"^ *tile\.pipe\.acquire .*cooperative>\n", "", text, flags=re.M)


def no_commit(text):
    """Tiles are read whoever still writes them."""
    return re.sub(r"^ *tile\.pipe\.commit .*cooperative>\n", "", text, flags=re.M)


def no_wait(text):
    """In loops, tiles of rings of one stage are read whether they have come or not.

    A wait's value says where the tile is, so one that waits for nothing stands in for all: for copies of threads that of
    the use after the first, whose phase is over when a barrier is new; for the copy engine a tile's first, its loop's
    others go.
    """
    create = re.compile(r"( *)(%\d+) = tile\.pipe\.create .* : (<1 x (<.*>), cooperative>)$")
    wait = re.compile(r"( *)(%\d+) = tile\.pipe\.wait (%\d+)\[%\w+\] : <1 x ")
    first, renamed, lines = {}, [], []  # ring -> indent, value; (indent, value, instead of it)
    for line in text.split("\n"):
        indent = len(line) - len(line.lstrip())
        renamed = [each for each in renamed if each[0] <= indent]
        for _, value, instead in renamed:
            line = re.sub(rf"{value}(?!\d)", instead, line)
        created, waited = create.match(line), wait.match(line)
        if waited and indent > first.get(waited[3], (indent, ""))[0]:
            renamed.append((indent, waited[2], first[waited[3]][1]))
            continue
        lines.append(line)
        if waited:
            first.setdefault(waited[3], (indent, waited[2]))
        if created:
            space, ring, pipe, slot = created.groups()
            lines.append(f"{space}%early{ring[1:]} = tile.pipe.wait {ring}[%c1_i32] : {pipe} -> {slot}")
            first[ring] = (indent, f"%early{ring[1:]}")
    return "\n".join(lines)
