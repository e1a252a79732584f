"""Make the sample catalog the repository ships: rendered objects with English and Korean names.

The pictures and names come from two npm packages, both under the MIT licence:

    npm pack @lobehub/fluent-emoji-3d@1.1.0 emojibase-data@17.0.0
    mkdir -p emoji names
    tar xzf lobehub-fluent-emoji-3d-1.1.0.tgz -C emoji --strip-components=1
    tar xzf emojibase-data-17.0.0.tgz -C names --strip-components=1
    python scripts/build_sample_catalog.py --emoji emoji --names names --out tasks/sample_catalog

Running it again gives the same files, but for the last bits of the vectors on another processor.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from tasks.pictures import open_picture
from tasks.providers.image_embedder.efficientnet import EfficientNetEmbedder

PRICE_SEED = 20261121
CURRENCY = "USD"

# key: (English, Korean, cheapest and dearest sample price, whole groups of emoji, single labels).
# A label that stands here leaves its group. What nobody shops for is not taken at all.
CATEGORIES: dict[str, tuple[str, str, tuple[int, int], str, str]] = {
    "dress": ("Dresses", "원피스·드레스", (35, 160), "", "dress; kimono; sari"),
    "top": (
        "Tops and outerwear",
        "상의·아우터",
        (15, 140),
        "",
        "t-shirt; woman’s clothes; coat; lab coat; safety vest; running shirt; "
        "martial arts uniform",
    ),
    "bottom": ("Trousers and shorts", "하의", (18, 90), "", "jeans; shorts; briefs"),
    "swimwear": (
        "Swimwear",
        "수영복",
        (20, 70),
        "",
        "one-piece swimsuit; bikini; diving mask; goggles",
    ),
    "shoes": (
        "Shoes",
        "신발",
        (20, 150),
        "",
        "thong sandal; man’s shoe; running shoe; hiking boot; flat shoe; high-heeled shoe; "
        "woman’s sandal; ballet shoes; woman’s boot; ice skate; roller skate",
    ),
    "bag": (
        "Bags and luggage",
        "가방",
        (20, 220),
        "",
        "purse; handbag; clutch bag; shopping bags; backpack; briefcase; luggage",
    ),
    "hat": (
        "Hats",
        "모자",
        (12, 80),
        "",
        "crown; woman’s hat; top hat; graduation cap; billed cap; military helmet; "
        "rescue worker’s helmet",
    ),
    "accessory": (
        "Accessories",
        "패션 소품",
        (8, 90),
        "",
        "glasses; sunglasses; necktie; scarf; gloves; socks; folding hand fan; hair pick; "
        "closed umbrella; umbrella; umbrella with rain drops; ribbon",
    ),
    "jewelry": (
        "Jewellery and watches",
        "주얼리·시계",
        (25, 900),
        "",
        "prayer beads; ring; gem stone; watch; nazar amulet; hamsa",
    ),
    "beauty": (
        "Beauty and care",
        "뷰티·생활 위생",
        (3, 40),
        "",
        "lipstick; razor; lotion bottle; soap; toothbrush; sponge; bubbles; mirror; roll of paper",
    ),
    "health": (
        "Health",
        "건강용품",
        (4, 160),
        "",
        "syringe; pill; adhesive bandage; crutch; stethoscope; thermometer; white cane; "
        "manual wheelchair; motorized wheelchair",
    ),
    "drink": ("Cups and drinks", "컵·음료", (3, 45), "drink", ""),
    "kitchen": (
        "Kitchen and table",
        "주방·식기",
        (4, 60),
        "dishware",
        "shallow pan of food; pot of food; bowl with spoon; balance scale",
    ),
    "fruit": ("Fruit", "과일", (2, 14), "food-fruit", ""),
    "vegetable": ("Vegetables", "채소", (2, 10), "food-vegetable", "mushroom; herb"),
    "meal": (
        "Meals and groceries",
        "식사·식료품",
        (4, 22),
        "food-prepared; food-asian",
        "crab; lobster; shrimp; squid; oyster; fish; ice",
    ),
    "sweet": ("Sweets and cakes", "디저트·간식", (2, 30), "food-sweet", ""),
    "music": (
        "Music and sound",
        "악기·음향",
        (15, 900),
        "musical-instrument",
        "speaker high volume; loudspeaker; megaphone; bell; studio microphone; microphone; "
        "headphone; radio; postal horn; level slider; control knobs; musical score",
    ),
    "phone": ("Phones and computers", "휴대폰·컴퓨터", (20, 1400), "phone; computer", ""),
    "camera": (
        "Cameras and screens",
        "카메라·영상",
        (25, 1200),
        "",
        "movie camera; film frames; film projector; clapper board; television; camera; "
        "camera with flash; video camera; videocassette; magnifying glass tilted left; "
        "magnifying glass tilted right; telescope; microscope",
    ),
    "furniture": (
        "Furniture, lamps and home",
        "가구·조명·홈",
        (15, 900),
        "",
        "door; window; bed; couch and lamp; chair; toilet; shower; bathtub; framed picture; "
        "file cabinet; card file box; mantelpiece clock; alarm clock; timer clock; stopwatch; "
        "hourglass done; seat; amphora; funeral urn; moai; wind chime; "
        "candle; light bulb; flashlight; red paper lantern; diya lamp; barber pole",
    ),
    "plant": (
        "Plants and flowers",
        "식물·꽃",
        (4, 60),
        "",
        "potted plant; cactus; bouquet; rose; sunflower; tulip; hibiscus; hyacinth; palm tree; "
        "evergreen tree; four leaf clover; cherry blossom; lotus; seedling",
    ),
    "household": (
        "Household and cleaning",
        "생활용품·청소",
        (3, 40),
        "household; lock",
        "wastebasket; thread; sewing needle; yarn; knot",
    ),
    "book": (
        "Books and paper",
        "도서·종이",
        (3, 35),
        "book-paper",
        "newspaper; envelope; package; scroll; world map",
    ),
    "office": (
        "Office and writing",
        "문구·사무",
        (1, 30),
        "office; writing",
        "artist palette; credit card; identification card; placard",
    ),
    "tool": (
        "Tools",
        "공구",
        (5, 120),
        "tool",
        "compass; test tube; alembic; satellite antenna; petri dish; ladder",
    ),
    "sport": (
        "Sport and outdoors",
        "스포츠·아웃도어",
        (8, 320),
        "sport",
        "tent; umbrella on ground; parachute; canoe; ring buoy; trophy; sports medal; 1st "
        "place medal; 2nd place medal; 3rd place medal; military medal",
    ),
    "toy": (
        "Toys and games",
        "장난감·게임",
        (5, 90),
        "game",
        "performing arts; carousel horse; playground slide; rocket; snowman; globe showing "
        "Europe-Africa",
    ),
    "party": ("Gifts and parties", "선물·파티", (2, 60), "event", ""),
    "vehicle": (
        "Vehicles and parts",
        "탈것·부품",
        (60, 30000),
        "",
        "locomotive; tram; bus; trolleybus; minibus; ambulance; fire engine; police car; "
        "taxi; automobile; oncoming automobile; sport utility vehicle; pickup truck; delivery "
        "truck; articulated lorry; tractor; racing car; motorcycle; motor scooter; auto "
        "rickshaw; bicycle; kick scooter; skateboard; wheel; fuel pump; oil drum; sailboat; "
        "speedboat; motor boat; helicopter; small airplane; airplane; high-speed train; "
        "bullet train; railway car; monorail; passenger ship; ferry",
    ),
}
# In the groups above, but not on any shelf.
NOT_TAKEN = (
    "low battery; mobile phone with arrow; chart increasing; chart decreasing; bar chart; "
    "locked with pen; locked with key; elevator; dagger; crossed swords; bomb; heart suit; "
    "spade suit; club suit; diamond suit; reminder ribbon; sparkles; fireworks; page facing up; "
    "page with curl; bookmark tabs"
)


def collect(emoji: Path, names: Path) -> list[dict[str, Any]]:
    """Return the products in the order of the emoji list, without prices."""
    english = json.loads((names / "en/data.json").read_text("utf-8"))
    korean = {e["hexcode"]: e for e in json.loads((names / "ko/data.json").read_text("utf-8"))}
    messages = json.loads((names / "en/messages.json").read_text("utf-8"))
    groups = {group["order"]: group["key"] for group in messages["subgroups"]}
    pictures = {plain(file.stem): file for file in (emoji / "assets").glob("*.webp")}
    by_group, by_label = {}, {}
    for key, (_, _, _, whole, single) in CATEGORIES.items():
        by_group.update(dict.fromkeys(filter(None, whole.split("; ")), key))
        by_label.update(dict.fromkeys(filter(None, single.split("; ")), key))
    not_taken = set(NOT_TAKEN.split("; "))
    products = []
    for entry in english:
        label = entry["label"]
        category = by_label.pop(label, None) or by_group.get(groups.get(entry.get("subgroup"), ""))
        code = plain(entry["hexcode"])
        if category is None or label in not_taken or code not in pictures:
            continue
        translated = korean.get(entry["hexcode"], {})
        products.append(
            {
                "id": code,
                "title": label[0].upper() + label[1:],
                "title_ko": translated.get("label", label),
                "tags": entry.get("tags", []),
                "tags_ko": translated.get("tags", []),
                "brand": "Sample",
                "category": category,
                "picture": f"{code}.webp",
                "source": pictures[code],
            }
        )
    if by_label:
        raise SystemExit(f"no emoji of this name: {', '.join(sorted(by_label))}")
    return products


def plain(hexcode: str) -> str:
    return hexcode.lower().replace("-fe0f", "")


def sample_price(product: dict[str, Any]) -> dict[str, str]:
    """Return an invented price, always the same for the same product."""
    low, high = CATEGORIES[product["category"]][2]
    dice = random.Random(f"{PRICE_SEED} {product['id']}")
    return {"amount": f"{int(low * (high / low) ** dice.random())}.00", "currency": CURRENCY}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--emoji", type=Path, required=True, help="unpacked fluent-emoji-3d")
    parser.add_argument("--names", type=Path, required=True, help="unpacked emojibase-data")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    products = collect(arguments.emoji, arguments.names)

    pictures = arguments.out / "pictures"
    shutil.rmtree(pictures, ignore_errors=True)
    pictures.mkdir(parents=True)
    embedder = EfficientNetEmbedder()
    vectors = np.empty((len(products), embedder.dimensions), np.float16)
    for number, product in enumerate(products):
        source: Path = product.pop("source")
        shutil.copyfile(source, pictures / product["picture"])
        product["price"] = sample_price(product)
        vectors[number] = embedder.embed(open_picture(source.read_bytes()))

    np.save(arguments.out / "embeddings.npy", vectors)
    write_json(arguments.out / "products.json", products)
    labels = {
        key: {"en": english, "ko": korean} for key, (english, korean, *_) in CATEGORIES.items()
    }
    write_json(arguments.out / "categories.json", labels)
    for key in CATEGORIES:
        print(f"{key:12} {sum(product['category'] == key for product in products):4}")
    print(f"{len(products)} products, {len(CATEGORIES)} categories")


def write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
