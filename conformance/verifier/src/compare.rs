//! How an expectation is compared with a result.

use serde_json::{Map, Value};

/// One place where a result is not what was expected.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) path: String,
    pub(crate) expected: String,
    pub(crate) got: String,
}

/// Compares what an expectation names; members that it leaves out are not looked at.
///
/// Objects are compared member by member, lists item by item and in full, everything else by equality. `null` expects
/// that there is nothing. Where an object or a list is expected and a text is found, the text is read as JSON.
/// `{"$between": [LOW, HIGH]}` expects a number within, `{"$lacks": [TEXT...]}` that none of the texts occurs.
pub(crate) fn expectation(path: &str, expected: &Value, got: Option<&Value>, found: &mut Vec<Difference>) {
    let mut differ = |path: &str, got: Option<&Value>| {
        found.push(Difference { path: path.to_owned(), expected: show(Some(expected)), got: show(got) });
    };
    let parsed = match (expected, got) {
        (Value::Object(_) | Value::Array(_), Some(Value::String(text))) => serde_json::from_str(text).ok(),
        _ => None,
    };
    match (expected, parsed.as_ref().or(got)) {
        (Value::Null, None) => {}
        (Value::Object(members), got) if is_matcher(members) => {
            if !members.iter().all(|(name, argument)| fits(name, argument, got)) {
                differ(path, got);
            }
        }
        (Value::Object(members), Some(Value::Object(result))) => {
            for (name, expected) in members {
                expectation(&format!("{path}.{name}"), expected, result.get(name), found);
            }
        }
        (Value::Array(items), Some(Value::Array(results))) if items.len() == results.len() => {
            for (at, (expected, got)) in items.iter().zip(results).enumerate() {
                expectation(&format!("{path}[{at}]"), expected, Some(got), found);
            }
        }
        (expected, Some(got)) if expected == got => {}
        (_, got) => differ(path, got),
    }
}

/// Where two results differ at all.
pub(crate) fn equality(path: &str, expected: Option<&Value>, got: Option<&Value>, found: &mut Vec<Difference>) {
    match (expected, got) {
        (expected, got) if expected == got => {}
        (Some(Value::Object(ours)), Some(Value::Object(theirs))) => {
            let only_theirs = theirs.keys().filter(|name| !ours.contains_key(*name));
            for name in ours.keys().chain(only_theirs) {
                equality(&format!("{path}.{name}"), ours.get(name), theirs.get(name), found);
            }
        }
        (Some(Value::Array(ours)), Some(Value::Array(theirs))) if ours.len() == theirs.len() => {
            for (at, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
                equality(&format!("{path}[{at}]"), Some(ours), Some(theirs), found);
            }
        }
        (expected, got) => {
            found.push(Difference { path: path.to_owned(), expected: show(expected), got: show(got) });
        }
    }
}

fn is_matcher(members: &Map<String, Value>) -> bool {
    !members.is_empty() && members.keys().all(|name| name.starts_with('$'))
}

fn fits(matcher: &str, argument: &Value, got: Option<&Value>) -> bool {
    let arguments = argument.as_array().map(Vec::as_slice).unwrap_or_default();
    match (matcher, arguments) {
        ("$between", [low, high]) => {
            let bounds = low.as_i64().zip(high.as_i64());
            let got = got.and_then(Value::as_i64);
            got.zip(bounds).is_some_and(|(got, (low, high))| (low..=high).contains(&got))
        }
        ("$lacks", texts) => {
            let lacks = |got: &String| texts.iter().all(|text| text.as_str().is_some_and(|text| !got.contains(text)));
            !texts.is_empty() && got.map(Value::to_string).as_ref().is_some_and(lacks)
        }
        (_, _) => false,
    }
}

fn show(value: Option<&Value>) -> String {
    value.map_or_else(|| "nothing".to_owned(), Value::to_string)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn differences(expected: &Value, got: &Value) -> Vec<String> {
        let mut found = Vec::new();
        expectation("result", expected, Some(got), &mut found);
        found.into_iter().map(|difference| difference.path).collect()
    }

    #[test]
    fn members_that_are_not_named_are_not_compared() {
        assert!(differences(&json!({"a": 1}), &json!({"a": 1, "b": 2})).is_empty());
        assert_eq!(differences(&json!({"a": {"b": 1}}), &json!({"a": {"b": 2}})), ["result.a.b"]);
    }

    #[test]
    fn lists_are_compared_in_full() {
        assert_eq!(differences(&json!([1]), &json!([1, 2])), ["result"]);
        assert_eq!(differences(&json!([{"a": 1}, 2]), &json!([{"a": 1, "b": 0}, 3])), ["result[1]"]);
    }

    #[test]
    fn null_expects_nothing() {
        assert!(differences(&json!({"a": null}), &json!({"b": 1})).is_empty());
        assert_eq!(differences(&json!({"a": null}), &json!({"a": 1})), ["result.a"]);
        assert_eq!(differences(&json!({"a": 1}), &json!({})), ["result.a"]);
    }

    #[test]
    fn a_text_is_read_as_json_where_an_object_is_expected() {
        assert!(differences(&json!({"a": 1}), &json!("{\"a\":1,\"b\":2}")).is_empty());
        assert_eq!(differences(&json!({"a": 1}), &json!("no JSON")), ["result"]);
    }

    #[test]
    fn matchers_hold_or_differ() {
        assert!(differences(&json!({"$between": [1, 3]}), &json!(3)).is_empty());
        assert_eq!(differences(&json!({"$between": [1, 3]}), &json!(4)), ["result"]);
        assert!(differences(&json!({"$lacks": ["x"]}), &json!({"a": "y"})).is_empty());
        assert_eq!(differences(&json!({"$lacks": ["x"]}), &json!({"a": "axb"})), ["result"]);
        assert_eq!(differences(&json!({"$lacks": []}), &json!("y")), ["result"], "an empty list says nothing");
        assert_eq!(differences(&json!({"a": {"$lacks": ["x"]}}), &json!({})), ["result.a"], "nothing lacks nothing");
        assert_eq!(differences(&json!({"$typo": [1]}), &json!(1)), ["result"]);
    }

    #[test]
    fn equality_finds_what_only_one_side_has() {
        let mut found = Vec::new();
        equality("result", Some(&json!({"a": 1})), Some(&json!({"a": 1, "b": 2})), &mut found);
        assert_eq!(found.iter().map(|found| found.path.as_str()).collect::<Vec<_>>(), ["result.b"]);
    }
}
