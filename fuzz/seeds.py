#!/usr/bin/env python3
"""Picks one recorded stanza of each shape (the set of its elements' names) as a seed: seeds/stream/."""
import glob, json, os, re

here = os.path.dirname(os.path.abspath(__file__))
shapes = {}
for path in sorted(glob.glob(os.path.join(here, "../tests/data/traces/*.jsonl"))):
    for line in list(open(path, encoding="utf-8"))[1:]:
        xml = json.loads(line)["xml"]
        shape = (re.match(r"<\w+", xml).group(), re.sub(r".*? type='(\w+)'.*", r"\1", xml[:200]) if " type='" in xml[:200] else "",
                 tuple(sorted(set(re.findall(r"<([\w:-]+)", xml)))))
        if shape not in shapes or len(xml) < len(shapes[shape]):
            shapes[shape] = xml
folder = os.path.join(here, "seeds/stream")
os.makedirs(folder, exist_ok=True)
for old in glob.glob(folder + "/*.xml"):
    os.remove(old)
total = 0
for number, xml in enumerate(sorted(shapes.values(), key=len)):
    if len(xml) <= 6000 and total + len(xml) < 200_000:
        total += len(xml)
        open(os.path.join(folder, f"{number:03}.xml"), "w", encoding="utf-8").write(xml)
print(f"{len(os.listdir(folder))} seeds, {total} bytes")
