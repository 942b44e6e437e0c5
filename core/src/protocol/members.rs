//! The members of a JSON object as they were read: texts are slices of the answer, so no copy of a token is left behind.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::protocol::odd_json;

/// Members by name. Of a name that occurs twice, the last one counts.
#[derive(Default)]
pub(crate) struct Members<'a> {
    members: Vec<(Cow<'a, str>, Member<'a>)>,
    written: Written,
}

/// How they were written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Written {
    #[default]
    Json,
    /// As JSON that had to be mended.
    OddJson,
    Form,
}

pub(crate) enum Member<'a> {
    Text(Cow<'a, str>),
    Other(Value),
    /// Something that no reader takes, a number beyond all numbers for example.
    Unreadable,
}

impl<'a> Members<'a> {
    /// `None` where the bytes are not one JSON object, even if they are mended.
    pub(crate) fn parse(json: &'a [u8]) -> Option<Self> {
        // A token answer has hardly more.
        let mut members = Vec::with_capacity(8);
        if parse_each(json, |name, member| members.push((name, member))).is_some() {
            return Some(Self { members, written: Written::Json });
        }
        members.clear();
        odd_json::each(json, |name, member| members.push((name.into(), member)))?;
        Some(Self { members, written: Written::OddJson })
    }

    /// The parameters of a form.
    pub(crate) fn from_texts(texts: impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)>) -> Self {
        let members = texts.map(|(name, text)| (name, Member::Text(text))).collect();
        Self { members, written: Written::Form }
    }

    pub(crate) fn written(&self) -> Written {
        self.written
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Member<'a>> {
        self.members.iter().rev().find(|(key, _)| key == name).map(|(_, member)| member)
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        match self.get(name)? {
            Member::Text(text) => Some(text),
            Member::Other(_) | Member::Unreadable => None,
        }
    }

    pub(crate) fn into_map(self) -> Map<String, Value> {
        self.into_iter().map(|(name, member)| (name.into_owned(), member.into_value())).collect()
    }
}

impl<'a> IntoIterator for Members<'a> {
    type Item = (Cow<'a, str>, Member<'a>);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.members.into_iter()
    }
}

impl From<Map<String, Value>> for Members<'_> {
    fn from(map: Map<String, Value>) -> Self {
        let members = map.into_iter().map(|(name, value)| (Cow::Owned(name), Member::from(value))).collect();
        Self { members, written: Written::Json }
    }
}

impl Member<'_> {
    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Self::Other(Value::Null))
    }

    pub(crate) fn into_value(self) -> Value {
        match self {
            Self::Text(text) => Value::String(text.into_owned()),
            Self::Other(value) => value,
            // Of no type that a member may have: whoever reads it again cannot read it either.
            Self::Unreadable => Value::Bool(false),
        }
    }
}

impl From<Value> for Member<'_> {
    fn from(value: Value) -> Self {
        match value {
            Value::String(text) => Self::Text(Cow::Owned(text)),
            value => Self::Other(value),
        }
    }
}

/// Hands over the members of a JSON object as they come. `None` where the bytes are not one JSON object; some of it may
/// have been handed over then.
fn parse_each<'a>(json: &'a [u8], mut take: impl FnMut(Cow<'a, str>, Member<'a>)) -> Option<()> {
    // Checked as a whole: faster than text by text.
    let mut deserializer = serde_json::Deserializer::from_str(str::from_utf8(json).ok()?);
    each_member(&mut deserializer, |Name(name), member| take(name, member)).ok()?;
    deserializer.end().ok()
}

/// The same of any deserializer.
pub(crate) fn each_member<'de, K, V, D>(deserializer: D, take: impl FnMut(K, V)) -> Result<(), D::Error>
where
    K: Deserialize<'de>,
    V: Deserialize<'de>,
    D: Deserializer<'de>,
{
    struct Each<K, V, F>(F, PhantomData<(K, V)>);
    impl<'de, K: Deserialize<'de>, V: Deserialize<'de>, F: FnMut(K, V)> Visitor<'de> for Each<K, V, F> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a JSON object")
        }

        fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
            while let Some(name) = map.next_key()? {
                (self.0)(name, map.next_value()?);
            }
            Ok(())
        }
    }
    deserializer.deserialize_map(Each(take, PhantomData))
}

/// A text that stays a slice of the input where it has no escapes.
struct Name<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Name<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Member::deserialize(deserializer)? {
            Member::Text(text) => Ok(Self(text)),
            Member::Other(_) | Member::Unreadable => Err(D::Error::custom("a name is not a text")),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Member<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Member<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any JSON value")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Member::Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Member::Text(Cow::Owned(text.to_owned())))
            }

            fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
                Ok(Member::Other(value.into()))
            }

            fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
                Ok(Member::Other(value.into()))
            }

            fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
                Ok(Member::Other(value.into()))
            }

            fn visit_f64<E: Error>(self, value: f64) -> Result<Self::Value, E> {
                Ok(Member::Other(value.into()))
            }

            fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
                Ok(Member::Other(Value::Null))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Self::Value, A::Error> {
                Value::deserialize(SeqAccessDeserializer::new(items)).map(Member::Other)
            }

            fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Self::Value, A::Error> {
                Value::deserialize(MapAccessDeserializer::new(members)).map(Member::Other)
            }
        }
        deserializer.deserialize_any(Any)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_read_as_serde_json_reads_them() {
        for json in [
            r#"{"a":1,"b":"x","a":"y","c":[{"d":null}],"e":{"f":-1.5},"g":true,"h":18446744073709551615,"i\u0041":"\n"}"#,
            "{}",
            " {} ",
        ] {
            let members = Members::parse(json.as_bytes()).map(Members::into_map);
            assert_eq!(members, serde_json::from_str(json).ok());
        }
        for json in ["", "null", "[]", "{", r#"{"a":1}x"#] {
            assert!(Members::parse(json.as_bytes()).is_none(), "{json}");
        }
        for json in [b"{\"a\":\"\xff\"}".as_slice(), b"{\"a\":\"\x01\"}"] {
            assert_eq!(Members::parse(json).map(|members| members.written()), Some(Written::OddJson));
        }
    }
}
