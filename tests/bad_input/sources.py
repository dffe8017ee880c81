"""Where the data comes from: the argument ``source`` of the loaders."""

from __future__ import annotations

import zipfile

from bad_input.cases import bad
from course_utils import data

LOADERS = {
    "faces": data.load_faces,
    "vehicles": data.load_vehicles,
    "cats": data.load_cats,
    "photos": data.load_photos,
    "digits": data.load_digits,
}


for name, load in LOADERS.items():

    @bad(
        f"source-not-fetched-{name}",
        f"`load_{name}('real')`, and nothing has been fetched",
        FileNotFoundError,
        named=f".../data/real/{name}",
        expected="source='embedded'",
        came="does not exist",
        do=f"Run `course data fetch {name}",
    )
    def _(folder, load=load):
        return lambda: load("real")

    @bad(
        f"source-nowhere-{name}",
        f"`load_{name}` with the path of a folder that is not there",
        FileNotFoundError,
        named="source is '.../nowhere'",
        expected="expected 'embedded' (the default), 'real'",
        came="there is no folder .../nowhere",
        do=f"`course data fetch {name}`",
    )
    def _(folder, load=load):
        return lambda: load(folder / "nowhere")


@bad(
    "source-misspelt",
    "`load_cats('reel')`",
    FileNotFoundError,
    named="source is 'reel'",
    expected="expected 'embedded' (the default), 'real'",
    came="there is no folder",
    do="`course data fetch cats`",
)
def _(folder):
    return lambda: data.load_cats("reel")


@bad(
    "source-empty",
    "`load_vehicles('')`",
    FileNotFoundError,
    named="source is ''",
    expected="or the path of a folder",
    came="that is an empty text",
    do="`course data fetch vehicles`",
)
def _(folder):
    return lambda: data.load_vehicles("")


@bad(
    "source-number",
    "`load_faces(3)`",
    TypeError,
    named="source is 3",
    expected="expected 'embedded', 'real' or the path of a folder",
    came="source is 3",
    do="expected 'embedded'",
)
def _(folder):
    return lambda: data.load_faces(3)


@bad(
    "source-archive",
    "the path of a zip file instead of its folder",
    FileNotFoundError,
    named="source is '.../cats.zip'",
    expected="the path of a folder",
    came=".../cats.zip is a file",
    do="unpack it, and give the folder",
)
def _(folder):
    with zipfile.ZipFile(folder / "cats.zip", "w") as file:
        file.writestr("data.yaml", "names: [angry, happy]\n")
    return lambda: data.load_cats(folder / "cats.zip")
