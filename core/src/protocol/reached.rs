//! What the two sides of a connection tell each other of how it came about, where both have agreed on it (ALPN): whoever dialled
//! knows what was tried before, whoever was dialled knows that a router lets others in. So both ends show the same.
//!
//! ```text
//! tried, of who asks     = 4:u8 0:u32 0:u32 0:u64 { way:u8 outcome:u8 }        sixteen pairs, 0 0 behind the last one
//! way, of who is asked   = 7:u8 0:u32 way:u32
//! ```
//! Neither has an answer. It is the other side's word and changes nothing but what a person is shown.

use crate::model::attempt::{TriedWay, TryOutcome};
use crate::model::way::Way;
use crate::protocol::peer::{ANSWER_BYTES, BadFrame, REQUEST_BYTES};

const TRIED_KIND: u8 = 4;
const WAY_KIND: u8 = 7;
/// Before the pairs.
const TRIED_HEAD_BYTES: usize = 17;
/// Tries that are told at once; the better ways first.
pub const TRIED_TOLD_MAX: usize = (REQUEST_BYTES - TRIED_HEAD_BYTES) / 2;

/// Says what was tried in vain, and what had no answer yet.
pub fn encode_tried(tried: &[TriedWay]) -> [u8; REQUEST_BYTES] {
    let mut frame = [0; REQUEST_BYTES];
    frame[0] = TRIED_KIND;
    let in_vain = tried.iter().filter(|tried| tried.outcome != TryOutcome::Reached);
    for (pair, tried) in frame[TRIED_HEAD_BYTES..].chunks_exact_mut(2).zip(in_vain) {
        pair.copy_from_slice(&[code(&Way::ALL, tried.way), code(&TryOutcome::ALL, tried.outcome)]);
    }
    frame
}

/// Reads it; `None` if it is another frame. What a later version tells that is new is left out.
pub fn decode_tried(frame: &[u8; REQUEST_BYTES]) -> Option<Result<Vec<TriedWay>, BadFrame>> {
    if frame[0] != TRIED_KIND {
        return None;
    }
    let (head, pairs) = frame.split_at(TRIED_HEAD_BYTES);
    let pairs: Vec<&[u8]> = pairs.chunks_exact(2).collect();
    let told = pairs.iter().take_while(|pair| ***pair != [0, 0]).count();
    let is_good = head[1..].iter().all(|byte| *byte == 0)
        && pairs[..told].iter().all(|pair| pair[0] > 0 && pair[1] > 0)
        && pairs[told..].iter().all(|pair| **pair == [0, 0]);
    let read = |pair: &&[u8]| {
        let (way, outcome) = (of_code(&Way::ALL, pair[0])?, of_code(&TryOutcome::ALL, pair[1])?);
        Some(TriedWay { way, address: None, outcome })
    };
    Some(if is_good { Ok(pairs[..told].iter().filter_map(read).collect()) } else { Err(BadFrame) })
}

/// Says by which way the other side has come.
pub fn encode_way(way: Way) -> [u8; ANSWER_BYTES] {
    let mut frame = [0; ANSWER_BYTES];
    frame[0] = WAY_KIND;
    frame[ANSWER_BYTES - 1] = code(&Way::ALL, way);
    frame
}

/// Reads it; `None` if it is another frame, and no way if it is one that a later version knows.
pub fn decode_way(frame: &[u8; ANSWER_BYTES]) -> Option<Result<Option<Way>, BadFrame>> {
    let [WAY_KIND, 0, 0, 0, 0, 0, 0, 0, way] = *frame else {
        return (frame[0] == WAY_KIND).then_some(Err(BadFrame));
    };
    Some(if way == 0 { Err(BadFrame) } else { Ok(of_code(&Way::ALL, way)) })
}

/// The place of a value among all of its kind, counted from 1. New ones are added behind the last.
fn code<T: PartialEq>(all: &[T], value: T) -> u8 {
    let at = all.iter().position(|known| *known == value).map_or(0, |at| at + 1);
    u8::try_from(at).unwrap_or(0)
}

fn of_code<T: Copy>(all: &[T], code: u8) -> Option<T> {
    all.get(usize::from(code).checked_sub(1)?).copied()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tried(way: Way, outcome: TryOutcome) -> TriedWay {
        TriedWay { way, address: None, outcome }
    }

    #[test]
    fn what_was_tried_comes_back_without_addresses_and_without_what_was_reached() {
        let address = Some("192.0.2.1:4001".parse().expect("an address"));
        let told = [
            TriedWay { address, ..tried(Way::Direct, TryOutcome::Silent) },
            tried(Way::Reversed, TryOutcome::Reached),
            tried(Way::Relayed, TryOutcome::SwitchedOff),
        ];
        let expected = vec![tried(Way::Direct, TryOutcome::Silent), tried(Way::Relayed, TryOutcome::SwitchedOff)];
        assert_eq!(decode_tried(&encode_tried(&told)), Some(Ok(expected)));
        assert_eq!(decode_tried(&encode_tried(&[])), Some(Ok(Vec::new())));
        let many = vec![tried(Way::Punched, TryOutcome::NotMet); 100];
        assert_eq!(decode_tried(&encode_tried(&many)), Some(Ok(many[..TRIED_TOLD_MAX].to_vec())));
    }

    #[test]
    fn every_way_has_a_number_of_its_own_that_stays() {
        for (number, way) in (1..).zip(Way::ALL) {
            assert_eq!(encode_way(way), [7, 0, 0, 0, 0, 0, 0, 0, number]);
            assert_eq!(decode_way(&encode_way(way)), Some(Ok(Some(way))));
        }
        let keys: Vec<&str> = Way::ALL.iter().map(|way| way.key()).collect();
        assert_eq!(keys, ["nearby", "direct6", "direct", "mapped", "reversed", "punched", "relayed"]);
        assert_eq!(decode_way(&[7, 0, 0, 0, 0, 0, 0, 0, 200]), Some(Ok(None)), "of a later version");
        assert_eq!(decode_way(&[7, 0, 0, 0, 0, 0, 0, 0, 0]), Some(Err(BadFrame)));
        assert_eq!(decode_way(&[7, 0, 0, 0, 1, 0, 0, 0, 1]), Some(Err(BadFrame)));
        assert_eq!(decode_way(&[5, 0, 0, 0, 0, 0, 0, 0, 0]), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(mut frame in any::<[u8; REQUEST_BYTES]>(), filled in 0..REQUEST_BYTES) {
            frame[0] = TRIED_KIND;
            frame[1..TRIED_HEAD_BYTES].fill(0);
            frame[filled.max(1)..].fill(0);
            if let Some(Ok(told)) = decode_tried(&frame) {
                prop_assert!(told.len() <= TRIED_TOLD_MAX);
                prop_assert!(told.iter().all(|tried| tried.address.is_none()), "nobody tells addresses of others");
            }
        }
    }
}
