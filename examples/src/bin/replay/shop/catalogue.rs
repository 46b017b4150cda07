//! What the shop knows about a product, made up from the product's id.

use serde::Serialize;

#[derive(Debug, Serialize)]
pub(super) struct Product {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) brand: &'static str,
    pub(super) category: &'static str,
    pub(super) cents: u64,
    pub(super) in_stock: u64,
    /// Markdown, as the editors of the shop write it.
    pub(super) description: String,
    pub(super) attributes: Vec<(&'static str, String)>,
    pub(super) reviews: Vec<Review>,
}

#[derive(Debug, Serialize)]
pub(super) struct Review {
    pub(super) author: &'static str,
    pub(super) stars: u64,
    /// Markdown, as customers write it.
    pub(super) text: String,
}

/// A product as other pages link to it.
#[derive(Debug, Serialize)]
pub(super) struct Teaser {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) cents: u64,
}

const BRANDS: &[&str] = &["Nordhaus", "Fell & Ford", "Kesto", "Halvar", "Ōmori", "Lüders", "Brisa"];
const CATEGORIES: &[&str] = &["Kettles", "Lamps", "Chairs", "Shelves", "Cutlery", "Rugs", "Clocks"];
const MATERIALS: &[&str] =
    &["oak", "brushed steel", "glass", "linen", "cast iron", "recycled PET", "walnut", "wool"];
const COLOURS: &[&str] = &["sand", "graphite", "moss", "rust", "ivory", "deep blue", "clay"];
const AUTHORS: &[&str] = &["Ada", "Bo <3", "Çiğdem", "D'Arcy", "Emil & Eva", "Frida", "Goro"];
const SENTENCES: &[&str] = &[
    "Made in small runs, so *no two* pieces are quite alike.",
    "The edges are **rounded by hand** and finished with plant oil.",
    "Tested for 5,000 cycles at < 60 dB in our own workshop.",
    "See the [care instructions](/care?lang=en&print=1) before the first use.",
    "Spare parts stay available for **at least ten years**.",
    "It pairs well with the rest of the range & fits most standard frames.",
    "Shipped flat, assembled in `15` minutes without tools.",
    "Wipe with a damp cloth; do ~~not~~ *never* use bleach.",
];
const OPINIONS: &[&str] = &[
    "Exactly as shown. Delivery took three days.",
    "Looks *great*, but the box was > 1 m long.",
    "I bought two & would buy a third. **Recommended!**",
    "Smaller than I thought: <script>alert('no')</script> - measure first.",
    "The colour is a bit darker than in the picture, still lovely.",
    "Support answered the same day and sent a new screw.",
];

/// How many products stand on one shelf; related products come from the same shelf.
const SHELF: u64 = 64;
/// Along how many properties products are compared.
const TRAITS: usize = 8;

impl Product {
    pub(super) fn find(id: u64) -> Product {
        let Teaser { id, name, cents } = Teaser::find(id);
        let mut dice = Dice::new(id, "product");
        let mut description = String::new();
        for _ in 0..3 + dice.roll(3) {
            for _ in 0..3 + dice.roll(3) {
                description.push_str(dice.pick(SENTENCES));
                description.push(' ');
            }
            description.push_str("\n\n");
        }
        description.push_str("### In the box\n\n");
        for material in MATERIALS.iter().take(2 + dice.roll(4) as usize) {
            description.push_str(&format!("- {} × part made of *{material}*\n", 1 + dice.roll(4)));
        }
        Product {
            id,
            name,
            brand: dice.pick(BRANDS),
            category: dice.pick(CATEGORIES),
            cents,
            in_stock: dice.roll(40),
            description,
            attributes: vec![
                ("Material", dice.pick(MATERIALS).to_string()),
                ("Colour", dice.pick(COLOURS).to_string()),
                ("Size", format!("{} × {} cm", 10 + dice.roll(90), 10 + dice.roll(190))),
                ("Weight", format!("{}.{} kg", dice.roll(20), dice.roll(10))),
                ("Order number", format!("{:04X}-{id}", dice.roll(0x1_0000))),
            ],
            reviews: (0..8 + dice.roll(9)).map(|_| Review::write(&mut dice)).collect(),
        }
    }

    /// The products of the same shelf that have most in common with this one.
    pub(super) fn related(&self) -> Vec<Teaser> {
        let own = traits(self.id);
        let mut shelf: Vec<(u64, u64)> = (0..SHELF)
            .map(|place| self.id / SHELF * SHELF + place)
            .filter(|&id| id != self.id)
            .map(|id| (distance(&own, &traits(id)), id))
            .collect();
        shelf.sort_unstable();
        shelf.truncate(6);
        shelf.into_iter().map(|(_, id)| Teaser::find(id)).collect()
    }
}

impl Review {
    fn write(dice: &mut Dice) -> Review {
        Review {
            author: dice.pick(AUTHORS),
            stars: 1 + dice.roll(5),
            text: format!("{} {}", dice.pick(OPINIONS), dice.pick(OPINIONS)),
        }
    }
}

impl Teaser {
    fn find(id: u64) -> Teaser {
        let mut dice = Dice::new(id, "teaser");
        let name = format!(
            "\"No. {}\" in {}, {}",
            dice.roll(1000),
            dice.pick(MATERIALS),
            dice.pick(COLOURS)
        );
        Teaser { id, name, cents: 499 + dice.roll(40_000) }
    }
}

fn traits(id: u64) -> [u64; TRAITS] {
    let mut dice = Dice::new(id, "traits");
    std::array::from_fn(|_| dice.roll(100))
}

fn distance(a: &[u64; TRAITS], b: &[u64; TRAITS]) -> u64 {
    a.iter().zip(b).map(|(a, b)| a.abs_diff(*b).pow(2)).sum()
}

/// Numbers that follow from an id and a purpose (splitmix64).
struct Dice(u64);

impl Dice {
    fn new(id: u64, purpose: &str) -> Dice {
        purpose.bytes().fold(Dice(id), |mut dice, byte| Dice(dice.next() ^ u64::from(byte)))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn roll(&mut self, sides: u64) -> u64 {
        self.next() % sides
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.roll(from.len() as u64) as usize]
    }
}
