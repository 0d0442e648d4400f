"""Persons drawn here, of every tone of skin, in clothes of many colours: what they wear is found."""

import itertools

import numpy as np
import pytest
from persons import CLOTHS, T_SHIRT, TONES, TROUSERS, filled, person, shaded
from PIL import Image, ImageDraw

from fmnist_core.preparation import prepare
from fmnist_core.preparation.worn_garments import find_worn


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
