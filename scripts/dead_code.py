# SPDX-License-Identifier: Apache-2.0
"""Finds what the hypervisor exports and nobody needs, by the symbol tables of a built image.

Other objects of the build are users; so is other source text of the hypervisor, which may be in an
object of another configuration. The stand-in architecture and the tests are no users.
"""
import glob
import os
import re
import subprocess

# The compiler calls these by itself.
COMPILERS = re.compile(r"__stack_chk_\w+|mem(cpy|move|set|cmp)")
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


def symbols_of(nm, files):
    """(file, kind, name) of all global symbols; U: undefined, capitals else: defined."""
    output = subprocess.run([nm, "-A", "-g", *files], stdout=subprocess.PIPE, text=True,
                            check=True).stdout
    for line in output.splitlines():
        path, _, fields = line.rpartition(":")
        if fields.strip():
            yield path, *fields.split()[-2:]


def source_texts():
    """The text of each source of the hypervisor, without comments."""
    texts = {}
    for path in glob.glob("hyp/**/*.[cS]", recursive=True):
        if not path.startswith("hyp/arch/host/"):
            with open(path, encoding="utf-8") as text:
                texts[path] = COMMENT.sub("", text.read())
    return texts


def check(build, nm):
    """Complaints about the image in the folder build."""
    ours = glob.glob(os.path.join(build, "hyp", "**", "*.o"), recursive=True)
    others = glob.glob(os.path.join(build, "gen", "*.o")) + [os.path.join(build, "libfdt",
                                                                          "libfdt.a")]
    defined, used = {}, set()
    for path, kind, name in symbols_of(nm, ours + others):
        if kind == "U":
            used.add(name)
        elif path in ours and kind not in "wv":
            source = os.path.splitext(os.path.relpath(path, build))[0]
            defined[name] = next((source + end for end in (".c", ".S")
                                  if os.path.exists(source + end)), None)
    texts = source_texts()
    complaints = []
    for name, source in sorted(defined.items()):
        word = re.compile(rf"\b{re.escape(name)}\b")
        if source is None or name in used or COMPILERS.fullmatch(name):
            continue
        if any(word.search(text) for path, text in texts.items() if path != source):
            continue
        alone = len(word.findall(texts[source])) < 2
        complaints.append(f"{source}: nothing uses {name}" if alone else
                          f"{source}: nothing else uses {name}: it need not be exported")
    return complaints, f"{len(defined)} exported names"
