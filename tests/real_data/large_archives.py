"""The archives of the real sets, as large as they are and laid out like them, with drawn pictures inside.

Names, numbers of pictures, picture sizes and file sizes are those of the published sets. What the course does not read
is filled with noise, so that it takes as long to download and unpack.
"""

from __future__ import annotations

import csv
import hashlib
import io
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.io import savemat

from course_utils.data import load_cats, load_faces, load_photos
from course_utils.data.store import make_embedded
from data_scripts.sources import CALTECH101, CALTECH256, LFW_CROP

# The people with most pictures in LFW. There are 5,749 with 13,233 pictures; the others have 32 or fewer.
LFW = {
    "George_W_Bush": 530, "Colin_Powell": 236, "Tony_Blair": 144, "Donald_Rumsfeld": 121, "Gerhard_Schroeder": 109,
    "Ariel_Sharon": 77, "Hugo_Chavez": 71, "Junichiro_Koizumi": 60, "Jean_Chretien": 55, "John_Ashcroft": 53,
    "Jacques_Chirac": 52, "Serena_Williams": 52, "Vladimir_Putin": 49, "Luiz_Inacio_Lula_da_Silva": 48,
    "Gloria_Macapagal_Arroyo": 44, "Arnold_Schwarzenegger": 42, "Jennifer_Capriati": 42, "Laura_Bush": 41,
    "Lleyton_Hewitt": 41, "Alejandro_Toledo": 39, "Hans_Blix": 39, "Nestor_Kirchner": 37, "Andre_Agassi": 36,
    "Alvaro_Uribe": 35, "Megawati_Sukarnoputri": 33, "Silvio_Berlusconi": 33, "Tom_Ridge": 33,
}  # fmt: skip
LFW_PICTURES, LFW_PEOPLE = 13_233, 5_749

CALTECH101_PICTURES = {"airplanes": 800, "Motorbikes": 798, "schooner": 63}
CALTECH101_ALL, CALTECH101_CLASSES = 9_144, 102

CALTECH256_PICTURES = {
    "009.bear": 102, "024.butterfly": 112, "038.chimp": 110, "151.ostrich": 109, "158.penguin": 149, "190.snake": 112,
    "251.airplanes-101": 800,
}  # fmt: skip
CALTECH256_ALL, CALTECH256_CLASSES = 30_607, 257


def jpeg(image: Image.Image, quality: int = 90) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "jpeg", quality=quality)
    return buffer.getvalue()


def noise(size: int) -> Iterator[bytes]:
    """Yield blocks of about ``size`` bytes that do not compress, each the first time or long ago."""
    rng = np.random.default_rng(0)
    pool = rng.bytes(1 << 24)
    while True:
        length = int(size * rng.uniform(0.5, 1.5))
        start = int(rng.integers(len(pool) - length))
        yield pool[start : start + length]


def add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    tar.addfile(info, io.BytesIO(content))


def write_lfw(path: Path) -> None:
    """A folder for each person, 250 x 250, the aligned face in the middle."""
    faces = load_faces()
    drawn = np.concatenate([faces.train_images, faces.test_images])
    labels = np.concatenate([faces.train_labels, faces.test_labels])
    rng = np.random.default_rng(1)
    x0, y0, x1, y1 = LFW_CROP
    filler = noise(18_000)
    with tarfile.open(path, "w:gz", compresslevel=1) as tar:
        for label, (person, count) in enumerate(LFW.items()):
            own = drawn[labels == label % len(faces.names)]
            for i in range(count):
                picture = Image.fromarray(rng.integers(90, 166, (250, 250, 3), np.uint8))
                face = Image.fromarray(own[i % len(own)]).resize((x1 - x0, y1 - y0)).convert("RGB")
                shift = rng.integers(-3, 4, 2)
                light = rng.uniform(0.8, 1.2)
                face = Image.fromarray((np.asarray(face) * light).clip(0, 255).astype(np.uint8))
                picture.paste(face, (x0 + int(shift[0]), y0 + int(shift[1])))
                add(tar, f"lfw_funneled/{person}/{person}_{i + 1:04d}.jpg", jpeg(picture, 75))
        others = LFW_PEOPLE - len(LFW)
        counts = np.full(others, (LFW_PICTURES - sum(LFW.values())) // others)
        counts[: LFW_PICTURES - sum(LFW.values()) - counts.sum()] += 1
        for number, count in enumerate(counts):
            for i in range(count):
                add(tar, f"lfw_funneled/Some_Body_{number}/Some_Body_{number}_{i + 1:04d}.jpg", next(filler))
        for i in range(1, 11):
            add(tar, f"lfw_funneled/pairs_{i:02d}.txt", b"pairs\n")


def write_caltech101(path: Path) -> None:
    """A zip with the pictures in one archive and the annotations in another; boxes as y0, y1, x0, x1 from 1."""
    folder = make_embedded("vehicles")
    with open(folder / "boxes.csv", newline="", encoding="utf-8") as file:
        boxes = {row["file"]: [float(row[c]) for c in ("x0", "y0", "x1", "y1")] for row in csv.DictReader(file)}
    rng = np.random.default_rng(2)
    filler = noise(13_500)
    pictures, notes = path.with_suffix(".pictures"), path.with_suffix(".notes")
    with tarfile.open(pictures, "w:gz", compresslevel=1) as tar, tarfile.open(notes, "w") as annotations:
        for theirs, count in CALTECH101_PICTURES.items():
            ours, annotated = CALTECH101[theirs]
            files = sorted((folder / ours).glob("*.jpg"))
            for i in range(count):
                source = files[i % len(files)]
                with Image.open(source) as opened:
                    image = opened.convert("L" if i % 50 == 7 else "RGB")  # some of Caltech's are grey
                width, height = int(rng.integers(280, 400)), int(rng.integers(110, 300))
                add(
                    tar,
                    f"101_ObjectCategories/{theirs}/image_{i + 1:04d}.jpg",
                    jpeg(image.resize((width, height)), 92),
                )
                x0, y0, x1, y1 = boxes[f"{ours}/{source.name}"]
                across, down = width / image.width, height / image.height
                box = [y0 * down + 1, y1 * down, x0 * across + 1, x1 * across]
                buffer = io.BytesIO()
                contour = rng.uniform(0, 100, (2, 20))
                savemat(buffer, {"box_coord": np.round([box]).astype(np.uint16), "obj_contour": contour})
                add(annotations, f"Annotations/{annotated}/annotation_{i + 1:04d}.mat", buffer.getvalue())
        others = CALTECH101_ALL - sum(CALTECH101_PICTURES.values())
        for i in range(others):
            name = f"class_{i % (CALTECH101_CLASSES - 3):03d}"
            add(tar, f"101_ObjectCategories/{name}/image_{i + 1:04d}.jpg", next(filler))
            add(annotations, f"Annotations/{name}/annotation_{i + 1:04d}.mat", next(filler)[:1000])
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(pictures, "caltech-101/101_ObjectCategories.tar.gz")
        archive.write(notes, "caltech-101/Annotations.tar")
        archive.writestr("caltech-101/show_annotation.m", "% shows an annotation\n")
        archive.writestr("__MACOSX/caltech-101/._Annotations.tar", b"\0" * 120)
    pictures.unlink()
    notes.unlink()


def write_caltech256(path: Path) -> None:
    photos = list(load_photos().values())
    rng = np.random.default_rng(3)
    filler = noise(38_500)
    with tarfile.open(path, "w") as tar:
        for name, count in CALTECH256_PICTURES.items():
            for i in range(count):
                photo = photos[int(rng.integers(len(photos)))]
                height, width = (int(rng.integers(150, min(size, 480))) for size in photo.shape[:2])
                top, left = (int(rng.integers(size - side + 1)) for size, side in zip(photo.shape[:2], (height, width)))
                part = Image.fromarray(photo[top : top + height, left : left + width])
                add(tar, f"256_ObjectCategories/{name}/{name[:3]}_{i + 1:04d}.jpg", jpeg(part))
        others = CALTECH256_ALL - sum(CALTECH256_PICTURES.values())
        for i in range(others):
            number = i % (CALTECH256_CLASSES - len(CALTECH256)) + 300
            add(tar, f"256_ObjectCategories/{number}.class/{number}_{i + 1:04d}.jpg", next(filler))


def write_cats(path: Path, counts: tuple[int, int, int] = (210, 61, 33)) -> None:
    """A zip as YOLO tools export it: other numbers than the drawn set, pictures of several sizes, a file of theirs."""
    rng = np.random.default_rng(4)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        table = (
            "train: ../train/images\nval: ../valid/images\ntest: ../test/images\n\nnc: 2\nnames: ['angry', 'happy']\n"
        )
        archive.writestr("data.yaml", table)
        archive.writestr("README.dataset.txt", "Cats, exported in YOLO layout.\n")
        for (split, dataset), count in zip(load_cats()._asdict().items(), counts):
            for i in range(count):
                image, lines = dataset[i][0], dataset.label_paths[i].read_text(encoding="utf-8")
                size = [(640, 480), (480, 640), (640, 640), (1024, 683)][int(rng.integers(4))]
                digest = hashlib.md5(f"{split}{i}".encode()).hexdigest()
                stem = f"cat-{i}_jpg.rf.{digest}"
                archive.writestr(f"{split}/images/{stem}.jpg", jpeg(image.resize(size)))
                archive.writestr(f"{split}/labels/{stem}.txt", lines)


WRITERS = {
    "lfw-funneled.tgz": write_lfw,
    "caltech-101.zip": write_caltech101,
    "256_ObjectCategories.tar": write_caltech256,
    "cats.zip": write_cats,
}


def write_archives(folder: Path) -> dict[str, Path]:
    """Write the archives that are not in ``folder`` yet: about 1.6 GB in a minute or two. Return name -> path."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, write in WRITERS.items():
        if not (folder / name).is_file():
            write(folder / f"{name}.partial")
            (folder / f"{name}.partial").rename(folder / name)
    return {name: folder / name for name in WRITERS}
