"""The convolution explorer: choose a kernel, and see which input pixels meet for each output pixel. Used in lesson 01.

Plain ipywidgets: it works wherever they do, JupyterLab, Colab and VS Code, without an extension of its own.
"""

from __future__ import annotations

import base64
import html
import io

import ipywidgets as widgets
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from course_utils.kernel_drawings import LEGEND, MET, OUTPUT, Setting, input_figure


class ConvolutionExplorer(widgets.VBox):
    """Four sliders, a picture of the input, and the output as a field of buttons: press one to see what it meets.

    Parameters
    ----------
    size : int
        Input pixels along one side.

    Attributes
    ----------
    kernel_size, stride, padding, dilation : ipywidgets.IntSlider
    sentence : ipywidgets.HTML
        The output size with its formula; for an impossible setting, what is wrong with it.
    picture : ipywidgets.HTML
        The input, as an image with a text alternative; empty for an impossible setting.
    outputs : ipywidgets.GridBox
        One button for each output pixel, in reading order.
    setting : Setting or None
        What is drawn; None while the sliders stand on an impossible setting.
    output : (int, int)
        Row and column of the chosen output pixel.
    """

    def __init__(self, size: int = 7) -> None:
        self.size = size
        self.setting: Setting | None = None
        self.output = (0, 0)
        self._buttons: dict[tuple[int, int], widgets.Button] = {}
        # Buttons share these: choosing another output changes two buttons, not the whole field.
        self._cell = widgets.Layout(width="30px", height="30px", margin="1px", padding="0")
        self._plain = widgets.ButtonStyle(button_color=to_hex(OUTPUT))
        self._chosen = widgets.ButtonStyle(button_color=to_hex(MET))

        self.kernel_size = _slider("kernel size", 3, 1, 5)
        self.stride = _slider("stride", 1, 1, 4)
        self.padding = _slider("padding", 0, 0, 2)
        self.dilation = _slider("dilation", 1, 1, 3)
        sliders = (self.kernel_size, self.stride, self.padding, self.dilation)
        self.sentence = widgets.HTML()
        self.picture = widgets.HTML()
        self.outputs = widgets.GridBox()
        self._lower = widgets.VBox(
            [
                widgets.HBox([self.picture, widgets.VBox([widgets.HTML("output: press a pixel"), self.outputs])]),
                widgets.HTML(_legend()),
            ]
        )
        super().__init__(
            [
                widgets.HBox([widgets.VBox(sliders[:2]), widgets.VBox(sliders[2:])]),
                self.sentence,
                self._lower,
            ]
        )
        for slider in sliders:
            slider.observe(self._changed, names="value")
        self._changed()

    def choose(self, row: int, column: int) -> None:
        """Mark the input pixels that the output pixel at this row and column sees."""
        if self.setting is None or not (0 <= min(row, column) and max(row, column) < self.setting.output_size):
            raise IndexError(f"There is no output pixel at row {row}, column {column}.")
        self._buttons[self.output].style = self._plain
        self.output = (row, column)
        self._buttons[self.output].style = self._chosen
        rows, columns = self.setting.meets(row), self.setting.meets(column)
        self.picture.value = _image(
            input_figure(self.setting, self.output),
            f"Input of {self.size} by {self.size} pixels, padding {self.setting.padding}. The output pixel at row "
            f"{row}, column {column} meets rows {_listed(rows)} and columns {_listed(columns)} of the input.",
        )

    def _changed(self, _change: object = None) -> None:
        k, s, p, d = self.kernel_size.value, self.stride.value, self.padding.value, self.dilation.value
        try:
            self.setting = Setting(self.size, k, s, p, d)
        except ValueError as error:
            self.setting = None
            self.sentence.value = _spoken(html.escape(str(error)))
            self.picture.value = ""
            self.outputs.children = ()
            self._lower.layout.display = "none"
            return
        self._lower.layout.display = None
        n = self.setting.output_size
        self.sentence.value = _spoken(
            f"output size = ⌊({self.size} + 2·{p} − {d}·({k} − 1) − 1) / {s}⌋ + 1 = <b>{n}</b>, "
            f"so the output has <b>{n} × {n}</b> pixels"
        )
        self.outputs.layout.grid_template_columns = f"repeat({n}, 32px)"
        self.outputs.children = [self._button(row, column) for row in range(n) for column in range(n)]
        row, column = self.output
        self._button(row, column).style = self._plain  # it may be outside the new output
        self.choose(min(row, n - 1), min(column, n - 1))

    def _button(self, row: int, column: int) -> widgets.Button:
        """Return the button of an output pixel; it is made once, and used again whenever the output has the pixel."""
        if (row, column) not in self._buttons:
            button = widgets.Button(tooltip=f"output row {row}, column {column}", layout=self._cell, style=self._plain)
            button.on_click(lambda _: self.choose(row, column))
            self._buttons[row, column] = button
        return self._buttons[row, column]


def _slider(name: str, value: int, low: int, high: int) -> widgets.IntSlider:
    return widgets.IntSlider(value=value, min=low, max=high, description=name)


def _spoken(text: str) -> str:
    """Screen readers read the text out when it changes."""
    return f'<span aria-live="polite">{text}</span>'


def _legend() -> str:
    style = "display: inline-block; width: 1em; height: 1em; border: 1px solid; background:"
    boxes = [f'<span style="{style} {to_hex(colour)}"></span> {name}' for name, colour in LEGEND]
    return " &emsp; ".join(boxes)


def _image(fig: Figure, alt: str) -> str:
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png", facecolor="white")
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    return f'<img alt="{html.escape(alt, quote=True)}" src="data:image/png;base64,{data}">'


def _listed(indices: range) -> str:
    return ", ".join(str(index).replace("-", "−") for index in indices)
