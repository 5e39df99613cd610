//! Run ids, derived from the engine's seed.

use simpleflow_model::{RunId, Timestamp};

/// One step of SplitMix64: a well-mixed number from a counter.
fn mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The run id of the `number`th run, started at `now`: `22` and 32 bytes in base64, as the
/// service's.
pub(crate) fn run_id(seed: u64, now: Timestamp, number: u64) -> RunId {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut state = seed;
    state = mix(&mut state) ^ now.as_micros().cast_unsigned();
    state = mix(&mut state) ^ number;
    let mut text = String::with_capacity(46);
    text.push_str("22");
    // 32 bytes are 42 whole digits of 6 bits, one digit of 4 bits, and padding.
    let (mut bits, mut word) = (0, 0_u64);
    for digit in 0..43 {
        if bits < 6 {
            word = mix(&mut state);
            bits = 64;
        }
        let mask = if digit == 42 { 0b11_1100 } else { 0b11_1111 };
        let index = usize::from((word & mask) as u8);
        text.push(char::from(ALPHABET.get(index).copied().unwrap_or(b'A')));
        word >>= 6;
        bits -= 6;
    }
    text.push('=');
    RunId::from(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn run_ids_look_like_the_services_and_differ() {
        let now = Timestamp::from_millis(1_490_445_225_378);
        let first = run_id(1, now, 1);
        assert_eq!(first.len(), 46);
        assert!(first.starts_with("22") && first.ends_with('='));
        assert_eq!(first, run_id(1, now, 1));
        let later = Timestamp::from_millis(1_490_445_225_379);
        let others = [run_id(2, now, 1), run_id(1, later, 1), run_id(1, now, 2)];
        assert!(others.iter().all(|other| *other != first));
    }
}
