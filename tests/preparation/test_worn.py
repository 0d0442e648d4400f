"""Persons drawn here, of every tone of skin, in clothes of many colours: what they wear is found."""

import itertools

import numpy as np
import pytest
from PIL import Image, ImageDraw

from fmnist_core.preparation import prepare
from fmnist_core.preparation.worn import find_worn

# The Monk Skin Tone Scale (Ellis Monk, 2019), from lightest to darkest.
TONES = ("#f6ede4", "#f3e7db", "#f7ead0", "#eadaba", "#d7bd96", "#a07e56", "#825c43", "#604134", "#3a312a", "#292420")
CLOTHS = ("#1f4fa0", "#b01818", "#101010", "#fafafa", "#2f7d46", "#e7d04a")
T_SHIRT = [(58, 52), (72, 46), (88, 46), (102, 52), (120, 78), (108, 86), (102, 78), (102, 130), (58, 130), (58, 78),
           (52, 86), (40, 78)]  # fmt: skip
TROUSERS = [(58, 130), (102, 130), (104, 238), (84, 238), (80, 150), (76, 238), (56, 238)]


def filled(polygon, size=(160, 240)):
    mask = Image.new("1", size)
    ImageDraw.Draw(mask).polygon(polygon, fill=1)
    return np.asarray(mask)


def shaded(picture, seed=0):
    """With folds and grain on what is not the background: no photo shows flat colours."""
    values = np.asarray(picture).astype(float)
    rng = np.random.default_rng(seed)
    across, down = np.meshgrid(np.arange(values.shape[1]), np.arange(values.shape[0]))
    folds = 1 - 0.05 - 0.05 * np.sin(across / 7 + np.sin(down / 23) * 2) + rng.normal(0, 0.006, values.shape[:2])
    is_background = (values == 255).all(2)
    return np.where(is_background[..., None], values, values * folds[..., None]).clip(0, 255).astype(np.uint8)


def person(skin, upper, lower, hair="#3b2a1e"):
    picture = Image.new("RGB", (160, 240), "white")
    pen = ImageDraw.Draw(picture)
    pen.polygon([(44, 76), (56, 80), (52, 140), (42, 140)], skin)  # arms
    pen.polygon([(116, 76), (104, 80), (108, 140), (118, 140)], skin)
    pen.rectangle((73, 34, 87, 50), skin)  # neck
    pen.ellipse((66, 4, 94, 42), skin)
    pen.pieslice((64, 2, 96, 30), 180, 360, hair)
    pen.polygon(TROUSERS, lower)
    pen.polygon(T_SHIRT, upper)
    return picture


def overlap(mask, other):
    return (mask & other).sum() / (mask | other).sum()


@pytest.mark.parametrize("skin", TONES)
def test_the_t_shirt_of_a_person_of_any_tone_of_skin(skin):
    for upper, lower in itertools.permutations(CLOTHS, 2):
        if skin in TONES[-2:] and {upper, lower} == {"#101010", "#fafafa"}:
            continue  # nothing in the picture has any colour: the person is not told from their clothes
        garments = find_worn(shaded(person(skin, upper, lower)))
        assert garments is not None, (upper, lower)
        assert garments.keys() == {"worn_upper", "worn_lower"}
        assert overlap(garments["worn_upper"], filled(T_SHIRT)) > 0.8, (upper, lower)
        assert overlap(garments["worn_lower"], filled(TROUSERS)) > 0.8, (upper, lower)


@pytest.mark.parametrize("skin", TONES)
def test_trousers_below_a_waist(skin):
    whole = person(skin, skin, "#1f4fa0").crop((0, 100, 160, 240))
    garments = find_worn(shaded(whole))
    assert garments is not None
    assert overlap(next(iter(garments.values())), filled(TROUSERS)[100:]) > 0.8


def test_the_kind_says_what_is_worn_and_the_visitor_may_choose_the_other():
    picture = Image.fromarray(shaded(person("#a07e56", "#1f4fa0", "#b01818")))
    detected = prepare(picture)
    assert detected.kind == "worn_lower"  # the trousers are larger
    upper = prepare(picture, "worn_upper")
    assert upper.kind == "worn_upper"
    assert (upper.pixels != detected.pixels).any()
    assert (prepare(picture, "worn_lower").pixels == detected.pixels).all()
    assert prepare(picture, "worn").kind == "worn"


@pytest.mark.parametrize("colour", ["#8a5a33", "#c99a6b", "#1f4fa0", "#111111", "#b01818"])
def test_a_bag_is_not_worn(colour):
    picture = Image.new("RGB", (160, 200), "white")
    pen = ImageDraw.Draw(picture)
    pen.arc((50, 10, 110, 130), 180, 360, colour, 9)
    pen.polygon([(30, 70), (130, 70), (145, 190), (15, 190)], colour)
    assert find_worn(shaded(picture)) is None
    assert prepare(Image.fromarray(shaded(picture))).kind == "product"


@pytest.mark.parametrize("cloth", ["#1f4fa0", "#101010", "#2f7d46", "#777777", "#b01818", "#a07e56", "#d7bd96"])
def test_garments_without_a_person_are_not_worn(samples, cloth):
    colour = np.array(Image.new("RGB", (1, 1), cloth).getpixel((0, 0)), float)
    worn = 0
    for image in samples.test.pixels[::40].numpy():
        brightness = np.asarray(Image.fromarray(image).resize((140, 140), Image.Resampling.BICUBIC)).astype(float) / 255
        opaque = (brightness * 6).clip(0, 1)[..., None]
        garment = opaque * (colour * (0.55 + 0.6 * (1 - brightness[..., None]))) + (1 - opaque) * 255
        picture = np.full((160, 160, 3), 255, np.uint8)
        picture[10:150, 10:150] = garment.clip(0, 255)
        worn += find_worn(picture) is not None
    assert worn <= 2  # of 50


def test_what_is_said_to_be_worn_without_a_person_is_all_of_it():
    picture = Image.new("RGB", (160, 200), "white")
    ImageDraw.Draw(picture).polygon([(x, y) for x, y in T_SHIRT], "navy")
    prepared = prepare(picture, "worn")
    assert prepared.kind == "worn"
    assert prepared.pixels.max() == 255
