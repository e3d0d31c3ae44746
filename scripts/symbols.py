#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The embedded symbol table.

symbols.py make  < nm > symbols.S     assembly of the table (empty input: an empty table)
symbols.py check FILE < nm            are the text symbols those of FILE (nm of the first pass)?
"""
import re
import sys

LINE = re.compile(r"^([0-9a-f]+) ([tTwW]) (\S+)$")


def text_symbols(lines):
    """(address, name) of every code symbol, in order of address."""
    symbols = []
    for line in lines:
        match = LINE.match(line.strip())
        if match and not match.group(3).startswith(("$", ".L")):
            symbols.append((int(match.group(1), 16), match.group(3)))
    return symbols


def one_per_address(symbols):
    """Of several names for one address keep the plainest one."""
    best = {}
    for address, name in symbols:
        old = best.get(address)
        if old is None or (name.startswith("_"), len(name), name) < \
                (old.startswith("_"), len(old), old):
            best[address] = name
    return sorted(best.items())


def emit_table(symbols):
    start = next((a for a, n in symbols if n == "_start"), 0)
    if symbols and not any(n == "_start" for _, n in symbols):
        sys.exit("symbols.py: the image defines no _start, to which the table is relative")
    rows = one_per_address([s for s in symbols if s[0] >= start])
    sizes = [(after[0] - at) for (at, _), after in zip(rows, rows[1:])]
    for (_, name), size in zip(rows, sizes):
        if size % 4 or size // 4 > 0xffff:
            sys.exit(f"symbols.py: {name} has {size} bytes; the table holds multiples of 4 to 262140")
    print('.section .symtab_serai, "a"')
    print(".balign 8")
    print(".globl symbols_count, symbols_words, symbols_names")
    print(f"symbols_count: .long {len(rows)}")
    print("symbols_words:")
    for size in sizes:
        print(f"\t.short {size // 4}")
    print("symbols_names:")
    for _, name in rows:
        print(f'\t.asciz "{name}"')
    print("\t.byte 0")


def check(first, second):
    for before, now in zip(first, second):
        if before != now:
            sys.exit(f"symbols.py: text moved between the two links: {before[1]} at "
                     f"{before[0]:#x}, then {now[1]} at {now[0]:#x}; the linker script must "
                     "place .symtab_serai after all text")
    if len(first) != len(second):
        sys.exit(f"symbols.py: {len(first)} text symbols in the first link, "
                 f"{len(second)} in the second")


def main():
    if sys.argv[1:] == ["make"]:
        emit_table(text_symbols(sys.stdin))
    elif len(sys.argv) == 3 and sys.argv[1] == "check":
        with open(sys.argv[2], encoding="ascii") as nm:
            check(text_symbols(nm), text_symbols(sys.stdin))
    else:
        sys.exit(__doc__)


main()
