//! How large the stanzas are that grow with a room: a server ends the stream of whoever sends one that is too large, and with
//! the focus' stream every conference.

use crate::wire::stanza::MAX_SENT;
use crate::wire::xml::{Element, to_string};

/// So much of what grows with a room goes into one stanza; the rest follows in others. The other half of what may be sent is for
/// what is in it besides: an offer has some 15 kB of codecs and addresses.
pub const PIECE: usize = MAX_SENT / 2;

/// What the sources of one participant may take: always less than a piece, so that nobody's have to be cut in two. Twenty, as
/// many as anybody may have by default, take some 9 kB.
pub const OWNER: usize = PIECE / 4 * 3;

/// How long a text may become when it is written into a stanza, as JSON or not.
pub fn escaped(text: &str) -> usize {
    let weight = |byte: &u8| match byte {
        // `\&quot;` in JSON, as the server passes it on.
        b'"' => 7,
        b'&' | b'<' | b'>' | b'\'' | 0..=0x1f => 6,
        // The first byte of U+FFFE, which is `\ufffe` in JSON.
        0xEF => 4,
        b'\\' => 2,
        _ => 1,
    };
    text.as_bytes().iter().map(weight).sum()
}

/// Cuts a list so that each part, written into a stanza, has at most [`PIECE`] bytes, or one element. The order stays.
pub fn in_pieces<T>(items: Vec<T>, size: impl Fn(&T) -> usize) -> Vec<Vec<T>> {
    let mut pieces: Vec<Vec<T>> = Vec::new();
    let mut room = 0;
    for item in items {
        let bytes = size(&item);
        match pieces.last_mut() {
            Some(piece) if bytes <= room => piece.push(item),
            _ => {
                room = PIECE;
                pieces.push(vec![item]);
            }
        }
        room = room.saturating_sub(bytes);
    }
    pieces
}

/// The same for elements, by what they are as text.
pub fn elements_in_pieces<T: Element>(elements: Vec<T>) -> Vec<Vec<T>> {
    if elements.len() <= 1 {
        return if elements.is_empty() { Vec::new() } else { vec![elements] };
    }
    in_pieces(elements, |element| to_string(element).len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_keep_the_order_and_are_no_larger_than_they_may_be() {
        let sizes = vec![PIECE - 1, 1, 1, PIECE, 7, 2 * PIECE, 3, 4];
        let pieces = in_pieces(sizes.clone(), |size| *size);
        let expected = [vec![PIECE - 1, 1], vec![1], vec![PIECE], vec![7], vec![2 * PIECE], vec![3, 4]];
        assert_eq!(pieces, expected);
        assert_eq!(pieces.concat(), sizes);
        assert!(in_pieces(Vec::<usize>::new(), |size| *size).is_empty());
    }
}
