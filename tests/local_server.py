"""A file server on this machine that can be told to misbehave, and miniature archives in the real layouts."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import mmap
import tarfile
import threading
import zipfile
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.io import savemat

from course_utils.data.real import IDX_FILES
from data_scripts import sources
from data_scripts.sources import SOURCES, RemoteFile, Source


@dataclass(frozen=True)
class Cut:
    """Hang up before byte ``at`` of the file is sent; with ``None``, before any answer."""

    at: int | None


@dataclass(frozen=True)
class Stall:
    """Send nothing more from byte ``at`` of the file on; with ``None``, no answer at all."""

    at: int | None


@dataclass(frozen=True)
class Status:
    """Answer with an error."""

    code: int
    headers: dict[str, str] = field(default_factory=dict)


class Server:
    """Serves files, whole or from a byte on.

    Attributes
    ----------
    files : dict
        path -> bytes, or the :class:`~pathlib.Path` of a file.
    script : dict
        path -> list of :class:`Cut`, :class:`Stall`, :class:`Status`: what becomes of the next requests for it.
    asked : list of str
        The paths of all requests.
    ranges, encodings : list of (str or None)
        The ``Range`` and the ``Accept-Encoding`` of each of them.
    etag, modified, length, resumes, heeds_if_range : bool
        Whether the server states an ETag, a Last-Modified (``"now"``: of this moment), a length; sends parts; compares
        versions before it does.
    headers : dict
        Sent with every file.
    cut_whole : int or None
        Cut every answer at this byte that begins with the first, so that each download takes two requests.
    first : threading.Event
        Is set by the first request, which waits for ``go`` if that is not set.
    """

    def __init__(self):
        self.files, self.script, self.headers = {}, {}, {}
        self.asked, self.ranges, self.encodings = [], [], []
        self.etag = self.length = self.resumes = self.heeds_if_range = True
        self.modified, self.cut_whole = False, None
        self.first, self.go = threading.Event(), threading.Event()
        self.go.set()
        self._end = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer._answer(self)

            def log_message(self, *args):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()

    def close(self):
        self._end.set()
        self.go.set()
        self.http.shutdown()
        self.http.server_close()

    def _answer(self, request):
        path, asked_range = request.path, request.headers.get("Range")
        self.asked.append(path)
        self.ranges.append(asked_range)
        self.encodings.append(request.headers.get("Accept-Encoding"))
        self.first.set()
        self.go.wait()
        trouble = self.script[path].pop(0) if self.script.get(path) else None
        if isinstance(trouble, Status):
            request.send_response(trouble.code)
            for name, value in trouble.headers.items():
                request.send_header(name, value)
            request.end_headers()
            return
        if trouble is not None and trouble.at is None:
            if isinstance(trouble, Stall):
                self._end.wait()
            request.close_connection = True
            return
        if path not in self.files:
            request.send_error(404)
            return
        content = self.files[path]
        if isinstance(content, Path):
            with open(content, "rb") as file:
                content = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        etag = f'"{len(content)}-{hashlib.md5(content[:10_000]).hexdigest()}"'
        start = 0
        if asked_range and self.resumes:
            same = request.headers.get("If-Range") in (None, etag if self.etag else None, self._modified())
            if same or not self.heeds_if_range:
                start = int(asked_range.removeprefix("bytes=").removesuffix("-"))
                if start >= len(content):
                    request.send_response(416)
                    request.send_header("Content-Range", f"bytes */{len(content)}")
                    request.end_headers()
                    return
                request.send_response(206)
                request.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            else:
                request.send_response(200)
        else:
            request.send_response(200)
        if self.length:
            request.send_header("Content-Length", str(len(content) - start))
        if self.etag:
            request.send_header("ETag", etag)
        if self.modified:
            # "now" is stated after the answer's Date: the file may change again within this second.
            request.send_header(
                "Last-Modified", formatdate(usegmt=True) if self.modified == "now" else self._modified()
            )
        for name, value in self.headers.items():
            request.send_header(name, value)
        request.end_headers()
        if trouble is not None:
            end = trouble.at
        else:
            end = self.cut_whole if start == 0 and self.cut_whole is not None else len(content)
        request.wfile.write(content[start:end])
        if isinstance(trouble, Stall):
            request.wfile.flush()
            self._end.wait()

    @staticmethod
    def _modified():
        return formatdate(1_600_000_000, usegmt=True)


def jpeg(level=100, size=(30, 20)):
    buffer = io.BytesIO()
    Image.new("RGB", size, (level,) * 3).save(buffer, "jpeg")
    return buffer.getvalue()


def tar_of(files, mode="w"):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def zip_of(files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def idx(array, level=9):
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return gzip.compress(header + array.astype(np.uint8).tobytes(), level, mtime=0)


def cats_files(prefix="", valid="valid"):
    files = {f"{prefix}data.yaml": b"names: [angry, happy]\nnc: 2\n"}
    for split in ("train", valid, "test"):
        for i in range(2):
            files[f"{prefix}{split}/images/{i}.jpg"] = jpeg()
            files[f"{prefix}{split}/labels/{i}.txt"] = f"{i} .5 .5 .5 .5\n".encode()
    return files


def lfw_tgz():
    counts = {"Ada_L": 6, "Emmy_N": 3, "Grace_H": 4, "Once_Only": 1}
    files = {"lfw_funneled/pairs_01.txt": b"x"}
    for person, (name, count) in enumerate(counts.items()):
        for i in range(count):
            files[f"lfw_funneled/{name}/{name}_{i + 1:04d}.jpg"] = jpeg(50 * person + i * 5, (250, 250))
    return tar_of(files, "w:gz")


def caltech101_zip(annotations=True):
    inner, notes = {"101_ObjectCategories/accordion/image_0001.jpg": jpeg()}, {}
    for theirs, (_, annotated) in sources.CALTECH101.items():
        for i in (1, 2):
            inner[f"101_ObjectCategories/{theirs}/image_{i:04d}.jpg"] = jpeg()
            buffer = io.BytesIO()
            savemat(buffer, {"box_coord": np.array([[2, 18, 5, 25 + i]], np.uint16)})
            notes[f"Annotations/{annotated}/annotation_{i:04d}.mat"] = buffer.getvalue()
    files = {
        "caltech-101/101_ObjectCategories.tar.gz": tar_of(inner, "w:gz"),
        "__MACOSX/caltech-101/._101_ObjectCategories.tar.gz": b"junk",
    }
    return zip_of(files | ({"caltech-101/Annotations.tar": tar_of(notes)} if annotations else {}))


def caltech256_tar():
    files = {"256_ObjectCategories/001.ak47/001_0001.jpg": jpeg()}
    for i, name in enumerate(sources.CALTECH256):
        for n in (1, 2):
            files[f"256_ObjectCategories/{name}/{name[:3]}_{n:04d}.jpg"] = jpeg(10 * i + n)
    return tar_of(files)


def fashion_files(side=2):
    return {name: idx(np.zeros((3, side, side)) + 9) if "images" in name else idx(np.arange(3)) for name in IDX_FILES}


def long_images():
    """Return the images that belong to the labels of :func:`fashion_files`, in a file of 200 kB."""
    return idx(np.resize(np.arange(251), (3, 258, 258)), level=0)


def as_json(table):
    """Return a table of the digits' sources as JSON, for :mod:`fetch_in_a_process`."""
    (source,) = table.values()
    return json.dumps([[file.url, file.name, file.checksum, file.size] for file in source.files])


def served(server, name, files, checksum=True):
    """Put files on the server, and return the table that says so."""
    remotes = []
    for file, content in files.items():
        server.files[f"/{file}"] = content
        md5 = "md5:" + hashlib.md5(content).hexdigest() if checksum else None
        remotes.append(RemoteFile(f"{server.address}/{file}", file, md5, len(content)))
    public = SOURCES[name]
    return {name: Source(tuple(remotes), public.prepare, public.keep, public.shows)}
