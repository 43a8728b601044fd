"""The drawing of a batch of faces, back to front."""

import numpy as np
import numpy.typing as npt

from paper_kit.data.faces import covers, eyes, head, mouth
from paper_kit.data.faces.canvas import lay_out
from paper_kit.data.faces.ranges import Values
from paper_kit.data.faces.shapes import Array


def render(
    person: Values, units: Values, view: Values, noise_NHW: Array, occlusion: float
) -> npt.NDArray[np.uint8]:
    """Faces (N, H, W) uint8 of persons who show `units`, seen as in `view`; the noise is standard normal."""
    size = noise_NHW.shape[-1]
    canvas = lay_out(view, size)
    image = np.zeros(noise_NHW.shape, dtype=np.float32)
    head.paint_backdrop(image, canvas, view)
    head.paint_behind(image, canvas, person, view)
    shade = head.light(canvas, person, units, view)
    face = image.copy()
    cover = head.paint_skull(face, canvas, person, units, shade)
    eyes.paint_eyes(face, canvas, person, units, view)
    eyes.paint_upper_creases(face, canvas, person, units)
    mouth.paint_lower_creases(face, canvas, person, units)
    mouth.paint_nose(face, canvas, person, units, view)
    mouth.paint_mouth(face, canvas, person, units, shade)
    eyes.paint_brows(face, canvas, person, units)
    image += cover * (face - image)
    head.paint_contour(image, canvas, person, units)
    head.paint_hair(image, canvas, person, shade)
    eyes.paint_glasses(image, canvas, person)
    covers.paint_covers(image, canvas, person, view, occlusion)
    return expose(image, view, noise_NHW)


def expose(image: Array, view: Values, noise_NHW: Array) -> npt.NDArray[np.uint8]:
    """The picture a camera takes (N, H, W) uint8: exposure and contrast set, a little blur, grain."""
    scene = np.clip(image, 0.0, 1.1)
    middle, range_ = scene.mean(axis=(1, 2), keepdims=True), scene.std(axis=(1, 2), keepdims=True)
    exposed = (scene - middle) / range_ * view["contrast"] + view["exposure"]
    weight = 0.22 * np.clip(view["blur"] * 2.0 - 1.0, 0.0, 1.0)
    framed = np.pad(exposed, ((0, 0), (1, 1), (1, 1)), mode="edge")
    tall = (1.0 - 2.0 * weight) * framed[:, 1:-1] + weight * (framed[:, :-2] + framed[:, 2:])
    exposed = (1.0 - 2.0 * weight) * tall[:, :, 1:-1] + weight * (tall[:, :, :-2] + tall[:, :, 2:])
    grainy = exposed + view["noise"] * noise_NHW
    levels: npt.NDArray[np.uint8] = np.clip(grainy * 255.0 + 0.5, 0.0, 255.0).astype(np.uint8)
    return levels
