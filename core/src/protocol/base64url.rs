//! Writing base64url without padding (RFC 4648 section 5, as RFC 7636 appendix A has it).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::secret::wipe_slice;

/// Whole groups of three bytes, so that the parts make one text.
const PART: usize = 48;

/// The bytes may be a secret: no copy of them is left behind.
pub(crate) fn encode(bytes: &[u8]) -> String {
    let mut text = vec![b'A'; (bytes.len() * 4).div_ceil(3)];
    fill(&mut text, bytes);
    // What is written there is ASCII.
    String::from_utf8(text).unwrap_or_default()
}

/// Writes `bytes` where there is room for just what they come to.
pub(crate) fn fill(text: &mut [u8], bytes: &[u8]) {
    let _ = URL_SAFE_NO_PAD.encode_slice(bytes, text);
}

/// Continues `text`, where `bytes` may be a secret: no copy of them is left behind.
pub(crate) fn push(text: &mut String, bytes: &[u8]) {
    let mut encoded = [0; PART / 3 * 4];
    for part in bytes.chunks(PART) {
        // It is large enough, and what is written there is ASCII.
        let len = URL_SAFE_NO_PAD.encode_slice(part, &mut encoded).unwrap_or_default();
        text.push_str(encoded.get(..len).and_then(|part| str::from_utf8(part).ok()).unwrap_or_default());
    }
    wipe_slice(&mut encoded);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_any_number_are_written_as_the_library_writes_them() {
        let bytes: Vec<u8> = (0..=255).collect();
        for len in 0..=bytes.len() {
            assert_eq!(encode(&bytes[..len]), URL_SAFE_NO_PAD.encode(&bytes[..len]));
        }
    }
}
