//! Looking at many bytes together.

/// True where `fits` holds for every byte. Sixteen are looked at without a branch, which the compiler does at once: this
/// is faster than stopping at the first that does not fit, and nearly always all of them do.
pub(crate) fn all_bytes(text: &str, fits: impl Fn(u8) -> bool) -> bool {
    let all = |chunk: &[u8; 16]| chunk.iter().fold(0, |unfit, byte| unfit | u8::from(!fits(*byte))) == 0;
    let (chunks, rest) = text.as_bytes().as_chunks();
    match text.as_bytes().last_chunk() {
        // Looking at some bytes twice is faster than taking the rest one by one.
        Some(last) => chunks.iter().all(all) && all(last),
        None => rest.iter().all(|byte| fits(*byte)),
    }
}
