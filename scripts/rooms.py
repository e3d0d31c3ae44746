# SPDX-License-Identifier: Apache-2.0
"""The order of the house: which file may include which header (rules in rooms.txt)."""
import os
import re

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)
# What the compiler and the build bring along.
COMPILER = {"stdarg.h", "stdbool.h", "stddef.h", "stdint.h", "stdalign.h", "stdnoreturn.h"}
GENERATED = {"asm-offsets.h", "autoconf.h", "version.h"}
FRONT_HALL = "front hall"


class House:
    """The rules, and all files of hyp/ with what they include."""

    def __init__(self, table, top):
        self.rank = {}
        self.free = {FRONT_HALL}
        self.outside = {FRONT_HALL}
        self.room_of_header = {}
        self.complaints = []
        self.top = top
        self.read_table(table)
        self.files = {}
        for folder, _, names in os.walk(os.path.join(top, "hyp")):
            for name in sorted(names):
                if name.endswith((".c", ".h", ".S")):
                    self.read_source(os.path.join(folder, name))

    def read_table(self, table):
        with open(table, encoding="utf-8") as text:
            for number, line in enumerate(text, 1):
                words = line.split("#")[0].split()
                if words:
                    self.read_rule(f"{os.path.basename(table)}:{number}", words)

    def read_rule(self, place, words):
        if words[0] == "order":
            for rank, neighbours in enumerate(words[1:]):
                self.rank.update({room: rank for room in neighbours.split(",")})
        elif words[0] == "free":
            self.free.update(words[1:])
        elif words[0] == "outside":
            self.outside.update(words[1:])
        elif words[0] == "header" and words[1] in self.rank:
            for header in words[2:]:
                if header in self.room_of_header:
                    self.complaints.append(f"{place}: {header} is listed twice")
                self.room_of_header[header] = words[1]
        else:
            self.complaints.append(f"{place}: '{' '.join(words[:2])}' is not understood")

    def read_source(self, path):
        with open(path, encoding="utf-8", errors="replace") as text:
            found = INCLUDE.findall(text.read())
        self.files[os.path.relpath(path, self.top)] = [(kind == '"', name) for kind, name in found]

    def header_name(self, path):
        """How a file of an include folder is included, or None."""
        _, inside, name = path.partition("/include/")
        return name if inside else None

    def room_of(self, path):
        name = self.header_name(path)
        parts = path.split("/")
        if parts[1] == "arch":
            return "arch"
        if name:
            return "abi" if name.startswith("abi/") else self.room_of_header.get(name)
        return FRONT_HALL if len(parts) == 2 else parts[1]

    def check(self):
        """Complaints about every include that climbs up or goes outside."""
        complaints = list(self.complaints)
        for path, includes in self.files.items():
            room = self.room_of(path)
            if room is None:
                complaints.append(f"{path}: scripts/rooms.txt does not say to which room "
                                  f"{self.header_name(path)} belongs; add it to a header line")
                continue
            if room not in self.rank and room not in self.free and room != "abi":
                complaints.append(f"{path}: scripts/rooms.txt knows no room '{room}'")
                continue
            for local, name in includes:
                why = None if local else self.refusal(room, name)
                if why:
                    complaints.append(f"{path}: includes <{name}>, {why}")
        listed = set(self.room_of_header)
        present = {self.header_name(path) for path in self.files}
        complaints += [f"scripts/rooms.txt lists {name}, which does not exist"
                       for name in sorted(listed - present)]
        return complaints

    def refusal(self, room, name):
        """Why a file of the room may not include the header; None if it may."""
        if room in self.free or name in COMPILER or name in GENERATED or name.startswith("abi/"):
            return None
        if name in self.room_of_header:
            owner = self.room_of_header[name]
            # abi/ may use the types of the lowest room
            rank = 1 if room == "abi" else self.rank.get(room, -1)
            if room == owner or self.rank[owner] < rank:
                return None
            return f"which belongs to {owner}; {room} sees only its own and lower rooms"
        if name.startswith("arch/"):
            return "which is the architecture's own; go through the contract in serai/arch.h"
        if name.startswith("serai/"):
            return "which scripts/rooms.txt does not list"
        return None if room in self.outside else f"a library's header; {room} uses no library"

    def resolve(self, path, local, name, arch):
        """The file of hyp/ that an include means, or None."""
        places = [f"hyp/include/{name}", f"hyp/arch/{arch}/include/{name}"]
        if local:
            places.insert(0, os.path.normpath(os.path.join(os.path.dirname(path), name)))
        return next((place for place in places if place in self.files), None)

    def cycles(self):
        """Complaints about headers that include each other in a circle."""
        found = set()
        arches = {path.split("/")[2] for path in self.files if path.startswith("hyp/arch/")}
        for arch in sorted(arches) or [""]:
            done = set()
            for path in self.files:
                if path.split("/")[1] != "arch" or path.split("/")[2] == arch:
                    self.walk(path, [], done, arch, found)
        return [f"headers include each other: {cycle}" for cycle in sorted(found)]

    def walk(self, path, trail, done, arch, found):
        if path in trail:
            circle = trail[trail.index(path):]
            first = circle.index(min(circle))
            circle = circle[first:] + circle[:first]
            found.add(" -> ".join(circle + circle[:1]))
            return
        if path in done:
            return
        for local, name in self.files[path]:
            target = self.resolve(path, local, name, arch)
            if target:
                self.walk(target, trail + [path], done, arch, found)
        done.add(path)
