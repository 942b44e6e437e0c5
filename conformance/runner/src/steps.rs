//! The steps of a vector, one after the other.

use serde_json::Value;

use crate::print::{Out, out};
use crate::read::{self, Object, Read};

/// What every step led to; the first that cannot be read ends it.
pub(crate) fn steps(test: &Object, mut step: impl FnMut(&Object) -> Read<Out>) -> Read<Out> {
    let steps = test.get("steps").and_then(Value::as_array).ok_or("steps is missing")?;
    let mut results: Vec<Value> = Vec::with_capacity(steps.len());
    for (at, given) in steps.iter().enumerate() {
        let result = read::object(given).and_then(&mut step);
        results.push(result.map_err(|problem| format!("step {at}: {problem}"))?.into());
    }
    Ok(out().put("steps", results))
}
