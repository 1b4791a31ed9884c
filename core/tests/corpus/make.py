"""Makes the files of the corpus: small, valid files of many types, most of them by programs that people use.

    python make.py            writes files/ anew and says which rows of types.tsv have no file, or the reverse

It needs the Debian packages ffmpeg, imagemagick, p7zip-full, libarchive-tools, bzip2, lzip, lz4, lzop, ncompress, cpio,
rpm, gcab, zip, sqlite3, djvulibre-bin, ghostscript, libjxr-tools, fonts-dejavu-core, openssl and default-jdk-headless, and the Python packages pillow, pillow-heif, python-docx, openpyxl, XlsxWriter, xlwt, odfpy,
fonttools, brotli, zstandard, h5py and pyarrow. What no free program writes is put together here, by the specification
of the format.

The files that are committed are what the tests read. Other versions of these programs write other bytes.
"""

import pathlib
import sys

import archives
import documents
import pictures
import programs
import recordings
import texts

HERE = pathlib.Path(__file__).parent
FILES = HERE / "files"


def rows():
    """The names in the table."""
    with open(HERE / "types.tsv", encoding="utf-8") as table:
        lines = [line.rstrip("\n") for line in table if not line.startswith("#")]
    return [line.split("\t")[0] for line in lines if line]


def main():
    made = {}
    for module in (pictures, recordings, documents, archives, programs, texts):
        for name, content in module.files().items():
            assert name not in made, f"{name} is made twice"
            made[name] = content
    FILES.mkdir(exist_ok=True)
    for old in FILES.iterdir():
        old.unlink()
    for name, content in made.items():
        (FILES / name).write_bytes(content)
    print(f"{len(made)} files, {sum(map(len, made.values()))} bytes")
    large = {name: len(content) for name, content in made.items() if len(content) > 12 * 1024}
    if large:
        print("larger than they should be:", large)
    listed = rows()
    print("without a row:", sorted(set(made) - set(listed)))
    print("without a file:", sorted(set(listed) - set(made)))
    return set(made) != set(listed)


if __name__ == "__main__":
    sys.exit(main())
