//! What tells a function from what it was before it was edited.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens;

use crate::model::Model;

/// A number that follows from the tokens of a function: where they stand, and comments, do not count.
pub(crate) fn of(model: &Model) -> u64 {
    let sig = &model.item.sig;
    let mut hash = Fnv::new();
    hash.tokens(sig.inputs.to_token_stream());
    hash.tokens(sig.output.to_token_stream());
    model.key.iter().for_each(|part| hash.tokens(part.clone()));
    hash.tokens(model.item.body.to_token_stream());
    hash.0
}

/// FNV-1a: the compiler may print tokens otherwise some day, but nobody may hash them otherwise.
struct Fnv(u64);

impl Fnv {
    fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn tokens(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Group(group) => {
                    let (open, close) = match group.delimiter() {
                        Delimiter::Parenthesis => ("(", ")"),
                        Delimiter::Brace => ("{", "}"),
                        Delimiter::Bracket => ("[", "]"),
                        Delimiter::None => ("", ""),
                    };
                    self.text(open);
                    self.tokens(group.stream());
                    self.text(close);
                }
                // An operator of two characters is the same whatever stands after it.
                TokenTree::Punct(punct) => self.text(punct.as_char().encode_utf8(&mut [0; 4])),
                TokenTree::Ident(_) | TokenTree::Literal(_) => self.text(&token.to_string()),
            }
        }
    }

    fn text(&mut self, text: &str) {
        // The last one is in no UTF-8.
        for byte in text.bytes().chain([0xff]) {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: &str) -> u64 {
        let mut hash = Fnv::new();
        hash.tokens(code.parse().unwrap());
        hash.0
    }

    #[test]
    fn comments_and_spaces_do_not_count_and_everything_else_does() {
        let code = of("{ let a = f(x); a+1 }");
        assert_eq!(of("{\n    let a = f( x ); // a comment\n    a + 1\n}"), code);
        for edited in [
            "{ let a = f(y); a+1 }",
            "{ let a = f(x); a+2 }",
            "{ let a = f(x); a-1 }",
            "{ let a = (f(x)); a+1 }",
            "{ let a = f[x]; a+1 }",
            "{ let af = (x); a+1 }",
        ] {
            assert_ne!(of(edited), code, "{edited}");
        }
    }
}
