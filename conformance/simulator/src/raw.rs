//! Bytes that need not be text, as JSON spells them.

use serde::{Deserialize, Serialize};

/// Any bytes. In JSON a text, or `{"hex": "ff00"}` where no text can say it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Spelling", into = "Spelling")]
pub struct Raw(pub Vec<u8>);

impl From<&str> for Raw {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Spelling {
    Text(String),
    Hex { hex: String },
}

impl TryFrom<Spelling> for Raw {
    type Error = &'static str;

    fn try_from(spelling: Spelling) -> Result<Self, Self::Error> {
        match spelling {
            Spelling::Text(text) => Ok(Self(text.into_bytes())),
            Spelling::Hex { hex } => from_hex(&hex).map(Self).ok_or("hex: pairs of hexadecimal digits are expected"),
        }
    }
}

impl From<Raw> for Spelling {
    fn from(Raw(bytes): Raw) -> Self {
        match String::from_utf8(bytes) {
            Ok(text) => Self::Text(text),
            Err(error) => Self::Hex { hex: error.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect() },
        }
    }
}

fn from_hex(hex: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = hex.chars().map(|char| char.to_digit(16)).collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    digits.chunks(2).map(|pair| u8::try_from(pair.iter().fold(0, |sum, digit| sum * 16 + digit)).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_hex_say_any_bytes_and_come_back() {
        for json in [r#""1e400""#, r#"{"hex":"22ff22"}"#] {
            let raw: Raw = serde_json::from_str(json).unwrap();
            assert_eq!(serde_json::to_string(&raw).unwrap(), json);
        }
        for wrong in [r#"{"hex":"f"}"#, r#"{"hex":"zz"}"#, "1"] {
            assert!(serde_json::from_str::<Raw>(wrong).is_err(), "{wrong}");
        }
    }
}
