//! Classes of bytes, and how to go through the text by them.
//!
//! The input is text, and what is looked for is ASCII, so every cut that is made here falls between
//! characters.

/// `nameChar`.
pub(super) const NAME: u8 = 1;
/// What can stand in an attribute path with its URI: the characters of RFC 3986 but for parentheses
/// and brackets, which belong to the filter around it.
pub(super) const PATH: u8 = 1 << 1;
/// What stands for itself in a JSON string.
pub(super) const PLAIN: u8 = 1 << 2;
/// What can stand in an operand without quotes: it ends at a space, or where the group or the
/// brackets around it end.
pub(super) const WORD: u8 = 1 << 3;
/// A space.
pub(super) const SPACE: u8 = 1 << 4;

/// The classes of each byte: one look-up where a name or a string would take several comparisons a
/// byte.
const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        #[expect(clippy::indexing_slicing, reason = "evaluated at compile time")]
        {
            classes[byte] = classes_of(byte as u8);
        }
        byte += 1;
    }
    classes
};

const fn classes_of(byte: u8) -> u8 {
    let mut classes = 0;
    if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'$') {
        classes |= NAME | PATH;
    }
    if matches!(
        byte,
        b'.' | b':'
            | b'~'
            | b'%'
            | b'/'
            | b'?'
            | b'#'
            | b'@'
            | b'!'
            | b'&'
            | b'\''
            | b'*'
            | b'+'
            | b','
            | b';'
            | b'='
    ) {
        classes |= PATH;
    }
    if !matches!(byte, b'"' | b'\\' | 0..0x20) {
        classes |= PLAIN;
    }
    if !matches!(byte, b' ' | b')' | b']') {
        classes |= WORD;
    }
    if byte == b' ' {
        classes |= SPACE;
    }
    classes
}

/// Whether the byte belongs to the class.
#[inline]
pub(super) fn is(byte: u8, class: u8) -> bool {
    CLASSES.get(usize::from(byte)).is_some_and(|classes| classes & class != 0)
}

/// How many bytes of the class the input begins with.
#[inline]
pub(super) fn length_of(input: &str, class: u8) -> usize {
    input.bytes().position(|byte| !is(byte, class)).unwrap_or(input.len())
}

/// What the input begins with that is of the class, and what follows.
#[inline]
pub(super) fn split(input: &str, class: u8) -> (&str, &str) {
    cut(input, length_of(input, class))
}

/// The input cut after `length` bytes.
#[inline]
pub(super) fn cut(input: &str, length: usize) -> (&str, &str) {
    input.split_at_checked(length).unwrap_or((input, ""))
}

/// What is left after `length` bytes.
#[inline]
pub(super) fn after(input: &str, length: usize) -> &str {
    input.get(length..).unwrap_or_default()
}

#[inline]
pub(super) fn skip_spaces(input: &str) -> &str {
    after(input, length_of(input, SPACE))
}

#[inline]
pub(super) fn first(input: &str) -> Option<u8> {
    input.as_bytes().first().copied()
}

/// What follows `word`, in whatever case, if the input begins with it.
#[inline]
pub(super) fn keyword<'a>(input: &'a str, word: &str) -> Option<&'a str> {
    let (head, rest) = input.split_at_checked(word.len())?;
    head.eq_ignore_ascii_case(word).then_some(rest)
}
