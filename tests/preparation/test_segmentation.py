import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from fmnist_core.preparation import segmentation
from fmnist_core.preparation.fitting import MIN_GARMENT_LEVEL
from fmnist_core.preparation.grey_levels import MAX_GAIN, SPREAD, match_grey_levels
from fmnist_core.preparation.segmentation import SIDE, segment_garment, shrink

SHIRT = (
    (30, 20), (50, 14), (64, 22), (78, 14), (98, 20), (118, 60), (102, 68),
    (94, 50), (94, 140), (34, 140), (34, 50), (26, 68), (10, 60),
)  # fmt: skip
PAIR = ((15, 30), (50, 30), (52, 130), (14, 130)), ((76, 30), (112, 30), (114, 130), (78, 130))
DOT = (58, 70, 70, 84)
BACKGROUNDS = ["plain", "striped", "two colours", "gradient", "textured"]


def mask_of(*polygons, ellipses=(), holes=(), size=(128, 160)):
    mask = Image.new("1", size)
    draw = ImageDraw.Draw(mask)
    for corners in polygons:
        draw.polygon(corners, fill=1)
    for box in ellipses:
        draw.ellipse(box, fill=1)
    for box in holes:
        draw.ellipse(box, fill=0)
    return np.asarray(mask)


def photo(mask, background="plain", colour=(50, 70, 140), seed=0, grain=8):
    """Noisy cloth of one colour on a noisy background."""
    rng = np.random.default_rng(seed)
    rows, columns = np.indices(mask.shape)
    picture = np.full((*mask.shape, 3), (196, 180, 150), np.float32)
    if background == "striped":
        picture[columns // 8 % 2 == 0] = (150, 130, 105)
    if background == "two colours":
        picture[rows > 0.65 * len(mask)] = (110, 90, 70)
    if background == "gradient":
        picture *= (0.75 + 0.5 * columns / mask.shape[1])[..., None]
    if background == "textured":
        picture += 60 * cv2.GaussianBlur(rng.normal(0, 1, mask.shape), (0, 0), 2)[..., None]
    picture[mask] = colour
    return (picture + rng.normal(0, grain, picture.shape)).clip(0, 255).astype(np.uint8)


def overlap(one, other):
    """Intersection over union."""
    return (one & other).sum() / (one | other).sum()


def smooth_noise(seed=0):
    """A picture without anything in it that could be called a garment."""
    noise = np.random.default_rng(seed).integers(0, 256, (160, 128, 3)).astype(np.uint8)
    return cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 6), None, 0, 255, cv2.NORM_MINMAX)


# ---------------------------------------------------------------- the garment is found


@pytest.mark.parametrize("background", BACKGROUNDS)
@pytest.mark.parametrize(
    "colour",
    [(50, 70, 140), (150, 30, 40), (30, 30, 32), (245, 245, 245), (230, 190, 60)],
    ids=["blue", "red", "black", "white", "yellow"],
)
def test_garment_is_found_on_any_background(background, colour):
    shirt = mask_of(SHIRT)
    assert overlap(segment_garment(photo(shirt, background, colour)), shirt) > 0.97


@pytest.mark.parametrize("colour", [(150, 130, 120), (160, 140, 170)], ids=["brown", "lilac"])
def test_grain_does_not_fray_a_garment_of_nearly_the_colour_of_the_background(colour):
    shirt = mask_of(SHIRT)
    assert overlap(segment_garment(photo(shirt, colour=colour, grain=20)), shirt) > 0.95


@pytest.mark.parametrize("size", [16, 64])
def test_grey_cloth_is_found_on_black_and_white_tiles(size):
    shirt = mask_of(SHIRT)
    rows, columns = np.indices(shirt.shape) // size
    picture = np.where((rows + columns) % 2, 32, 233)[..., None].repeat(3, 2)
    picture[shirt] = (120, 110, 105)
    grain = np.random.default_rng(0).normal(0, 12, picture.shape)
    assert overlap(segment_garment((picture + grain).clip(0, 255).astype(np.uint8)), shirt) > 0.97


@pytest.mark.parametrize("background", BACKGROUNDS)
def test_pair_stays_a_pair(background):
    pair = mask_of(*PAIR)
    found = segment_garment(photo(pair, background))
    assert overlap(found, pair) > 0.97
    assert cv2.connectedComponents(found.astype(np.uint8))[0] - 1 == 2


def test_the_second_shoe_may_look_smaller():
    pair = mask_of(((15, 30), (60, 30), (62, 130), (14, 130)), ((80, 50), (106, 50), (108, 120), (82, 120)))
    assert overlap(segment_garment(photo(pair)), pair) > 0.97


@pytest.mark.parametrize("background", BACKGROUNDS)
def test_large_hole_stays_open_and_small_ones_are_filled(background):
    ring = mask_of(ellipses=[(20, 20, 108, 140)], holes=[(44, 50, 84, 110)])
    assert overlap(segment_garment(photo(ring, background)), ring) > 0.97
    worn = mask_of(SHIRT, holes=[(60, 80, 66, 86), (50, 100, 57, 107)])
    found = segment_garment(photo(worn, background))
    assert found[mask_of(SHIRT)].mean() > 0.98
    assert found[~worn & mask_of(SHIRT)].all()


@pytest.mark.parametrize("background", BACKGROUNDS)
def test_garment_may_leave_the_picture(background):
    long = mask_of(((30, 20), (98, 20), (98, 159), (30, 159)))
    assert overlap(segment_garment(photo(long, background)), long) > 0.94
    wide = mask_of(((0, 40), (40, 10), (88, 10), (127, 40), (127, 80), (100, 70), (100, 159), (28, 159), (0, 80)))
    assert overlap(segment_garment(photo(wide, background)), wide) > 0.9


def test_corner_of_the_background_is_no_hole():
    garment = np.ones((100, 100), bool)
    garment[:12, :12] = False
    assert not segmentation._tidy(garment)[:10, :10].any()
    garment[:12, :12], garment[40:52, 40:52] = True, False
    assert segmentation._tidy(garment).all()


def test_crumb_on_the_background_does_not_belong_to_the_garment():
    shirt, crumb = mask_of(SHIRT), mask_of(ellipses=[(4, 148, 12, 156)])
    found = segment_garment(photo(shirt | crumb))
    assert not found[crumb].any()
    assert overlap(found, shirt) > 0.97


def test_print_does_not_hide_cloth_of_nearly_the_colour_of_the_background():
    shirt, dot = mask_of(SHIRT), mask_of(ellipses=[DOT])
    for background in ("plain", "striped"):
        picture = photo(shirt, background, (205, 190, 165))
        picture[dot] = (180, 20, 30)
        assert overlap(segment_garment(picture), shirt) > 0.85, background


@pytest.mark.parametrize("seed", range(3))
def test_bright_print_does_not_hide_a_black_shirt_on_a_dark_background(seed):
    shirt, dot = mask_of(SHIRT), mask_of(ellipses=[(50, 60, 78, 94)])
    rng = np.random.default_rng(seed)
    carpet = 75 + 60 * cv2.GaussianBlur(rng.normal(0, 1, shirt.shape), (0, 0), 2)
    picture = carpet[..., None] * np.float32([1, 0.97, 0.92])
    picture[shirt] = (18, 18, 20)
    picture[dot] = (190, 210, 230)
    picture += rng.normal(0, 5, picture.shape)
    assert overlap(segment_garment(picture.clip(0, 255).astype(np.uint8)), shirt) > 0.9


@pytest.mark.parametrize("background", ["plain", "gradient", "textured"])
def test_print_alone_is_found_together_with_the_middle_around_it(background):
    dot = mask_of(ellipses=[DOT])
    found = segment_garment(photo(dot, background))
    assert found[dot].all()
    assert found[62:98, 50:78].mean() > 0.95
    assert found.mean() > 4 * dot.mean()


def test_where_nothing_can_be_found_the_whole_picture_is_the_garment():
    assert segment_garment(np.full((160, 120, 3), (90, 140, 60), np.uint8)).all()


@pytest.mark.parametrize("picture", [smooth_noise(), photo(mask_of(SHIRT), "textured")], ids=["noise", "shirt"])
def test_same_picture_gives_the_same_mask_whatever_numbers_were_drawn_before(picture):
    before = picture.copy()
    masks = []
    for seed in range(4):
        cv2.setRNGSeed(seed + 1)
        masks.append(segment_garment(picture))
    assert masks[0].dtype == bool
    assert masks[0].shape == picture.shape[:2]
    assert all((mask == masks[0]).all() for mask in masks)
    assert (picture == before).all()


@settings(max_examples=10)
@given(height=st.integers(1, 160), seed=st.integers(0, 999), smooth=st.booleans())
def test_any_picture_has_a_garment(height, seed, smooth):
    picture = np.random.default_rng(seed).integers(0, 256, (height, 60, 3)).astype(np.uint8)
    found = segment_garment(cv2.blur(picture, (9, 9)) if smooth else picture)
    assert found.shape == (height, 60)
    assert found.any()


# ---------------------------------------------------------------- a picture is made small


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((800, 600), (160, 120)),
        ((600, 800), (120, 160)),
        ((160, 160), (160, 160)),
        ((1000, 100), (160, 16)),
        ((100, 1000), (16, 160)),
        ((8, 4), (160, 80)),
        ((1, 1), (160, 160)),
        ((1, 3000), (1, 160)),
        ((3000, 1), (160, 1)),
    ],
)
def test_longer_side_becomes_that_size_and_the_shape_stays(size, expected):
    assert max(expected) == SIDE
    small = shrink(np.full((*size, 3), (10, 200, 90), np.uint8))
    assert small.shape == (*expected, 3)
    assert small.dtype == np.uint8
    assert (small == (10, 200, 90)).all()


def test_each_pixel_of_a_small_picture_is_the_average_of_those_it_covers():
    large = np.random.default_rng(0).integers(0, 256, (480, 240, 3)).astype(np.uint8)
    means = large.reshape(160, 3, 80, 3, 3).mean((1, 3))
    assert abs(shrink(large) - means).max() <= 1


# ---------------------------------------------------------------- the garment in the grey levels of the data set


@given(seed=st.integers(0, 9999), low=st.integers(0, 255), spread=st.integers(0, 255), fraction=st.floats(0.02, 1))
def test_garment_is_on_black_and_nowhere_as_dark(seed, low, spread, fraction):
    rng = np.random.default_rng(seed)
    rgb = (low + rng.integers(0, spread + 1, (20, 30, 3))).clip(0, 255).astype(np.uint8)
    mask = rng.random((20, 30)) < fraction
    mask[10, 10] = True
    garment = match_grey_levels(rgb, mask)
    assert garment.shape == mask.shape
    assert garment.dtype == np.float32
    assert (garment[~mask] == 0).all()
    assert garment[mask].min() >= np.float32(MIN_GARMENT_LEVEL)
    assert garment.max() <= 1


def test_darker_cloth_comes_out_brighter():
    mask = mask_of(SHIRT)
    shades = [match_grey_levels(np.full((160, 128, 3), grey, np.uint8), mask)[mask] for grey in range(0, 256, 15)]
    assert all(np.ptp(shade) == 0 for shade in shades)
    means = [float(shade[0]) for shade in shades]
    assert means == sorted(means, reverse=True)
    assert means[0] - means[-1] > 0.2
    assert means[-1] > 0.3  # white cloth is still cloth


def test_no_button_is_darker_than_cloth_can_be_nor_brighter_than_white():
    mask = mask_of(SHIRT)
    for cloth, button, expected in ((0, 255, MIN_GARMENT_LEVEL), (255, 0, 1)):
        rgb = np.full((160, 128, 3), cloth, np.uint8)
        rgb[80:83, 60:63] = button
        assert match_grey_levels(rgb, mask)[81, 61] == pytest.approx(expected)


def test_within_a_garment_too_dark_parts_come_out_bright():
    mask = mask_of(SHIRT)
    rgb = np.full((160, 128, 3), 200, np.uint8)
    rgb[:80] = 60
    garment = match_grey_levels(rgb, mask)
    assert garment[40, 64] > garment[120, 64] + 0.3


@pytest.mark.parametrize(("low", "high"), [(0, 255), (60, 220), (100, 180)])
def test_grey_levels_of_a_garment_reach_as_far_as_in_the_data_set(low, high):
    rgb = np.random.default_rng(0).integers(low, high + 1, (100, 100, 1)).astype(np.uint8).repeat(3, 2)
    garment = match_grey_levels(rgb, np.ones((100, 100), bool))
    reached = np.subtract(*np.quantile(garment, [0.95, 0.05]))
    assert reached == pytest.approx(SPREAD, abs=0.02)


def test_plain_cloth_does_not_become_noise():
    rgb = (128 + np.random.default_rng(0).integers(-3, 4, (100, 100, 1))).astype(np.uint8).repeat(3, 2)
    garment = match_grey_levels(rgb, np.ones((100, 100), bool))
    assert np.ptp(garment) == pytest.approx(MAX_GAIN * 6 / 255, abs=1e-3)


def test_background_does_not_change_the_grey_levels_of_the_garment():
    mask = mask_of(SHIRT)
    on_paper, on_wood = photo(mask), photo(mask, "two colours")
    on_wood[mask] = on_paper[mask]
    assert (match_grey_levels(on_paper, mask) == match_grey_levels(on_wood, mask)).all()


def test_only_a_picture_of_few_colours_gets_a_grain(monkeypatch):
    """Between exact ties GrabCut searches for seconds."""
    cut = []
    monkeypatch.setattr(segmentation.cv2, "grabCut", lambda rgb, *_: cut.append(rgb))
    for background in BACKGROUNDS:
        segment_garment(picture := photo(mask_of(SHIRT), background))
        assert (cut[-1] == picture).all()
    rows, columns = np.indices((160, 160))
    dots = np.where(((rows + columns) % 5 < 4)[..., None], (0, 0, 0), (255, 255, 255)).astype(np.uint8)
    segment_garment(dots)
    difference = cut[-1].astype(int) - dots
    assert abs(difference).max() == 1
    assert (difference != 0).mean() > 0.3
