//! Random walks: whatever comes, in whatever order, at whatever time.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::walk::walk;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_session_keeps_its_promises_on_any_walk(config in any::<u8>(), moves in vec(any::<[u8; 4]>(), 1..80)) {
        walk(config, &moves);
    }
}
