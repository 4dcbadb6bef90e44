//! Fullwidth and halfwidth forms as the characters they stand for.

use std::borrow::Cow;

/// The halfwidth forms from U+FF61 on, in order: punctuation, katakana, and the two sound marks,
/// which combine with the letter before them.
const KATAKANA: &str = "。「」、・ヲァィゥェォャュョッーアイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワン\u{3099}\u{309a}";

/// The forms from U+FFE0 on, in order; U+FFE7 is unassigned.
const SYMBOLS: &str = "¢£¬¯¦¥₩\u{ffe7}│←↑→↓■○";

/// The width mapping of RFC 7613 §3.2.2: each fullwidth and halfwidth character becomes the
/// character that its `<wide>` or `<narrow>` decomposition names.
pub(crate) fn map(text: &str) -> Cow<'_, str> {
    if text.chars().all(|c| mapped(c) == c) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(mapped).collect())
}

fn mapped(c: char) -> char {
    let nth =
        |forms: &str, first: u32| forms.chars().nth((u32::from(c) - first) as usize).unwrap_or(c);
    let from = |first: u32, to: u32| char::from_u32(u32::from(c) - first + to).unwrap_or(c);
    match u32::from(c) {
        0x3000 => ' ',
        0xff01..=0xff5e => from(0xff01, 0x21),
        0xff5f..=0xff60 => from(0xff5f, 0x2985),
        0xff61..=0xff9f => nth(KATAKANA, 0xff61),
        0xffa0 => '\u{3164}',
        0xffa1..=0xffbe => from(0xffa1, 0x3131),
        0xffc2..=0xffc7 => from(0xffc2, 0x314f),
        0xffca..=0xffcf => from(0xffca, 0x3155),
        0xffd2..=0xffd7 => from(0xffd2, 0x315b),
        0xffda..=0xffdc => from(0xffda, 0x3161),
        0xffe0..=0xffee => nth(SYMBOLS, 0xffe0),
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use icu_normalizer::DecomposingNormalizer;

    use super::*;

    /// The compatibility decomposition, which goes on from where this mapping ends.
    #[test]
    fn it_is_the_decomposition_of_every_form_and_of_nothing_else() {
        let nfkd = DecomposingNormalizer::new_nfkd();
        for c in ('\0'..=char::MAX).filter(|c| !c.is_control()) {
            let is_form = matches!(u32::from(c), 0x3000 | 0xff01..=0xffee)
                && nfkd.normalize(c.encode_utf8(&mut [0; 4])) != c.to_string();
            let to = mapped(c);
            assert_eq!(to != c, is_form, "U+{:04X}", u32::from(c));
            if is_form {
                let (from, to) = (c.to_string(), to.to_string());
                assert_eq!(nfkd.normalize(&to), nfkd.normalize(&from), "U+{:04X}", u32::from(c));
                assert_eq!(map(&to), to, "once is enough");
            }
        }
    }
}
