//! The command line.

use std::error::Error;
use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use webex_oauth_simulator::{CLIENT_ID, Client, Decision, ErrorStyle, Fault, Options, TokenStyle};

/// A Webex-like authorization server and API on this machine, for writing and testing integrations.
///
/// Nothing in it is real, and it listens on 127.0.0.1 only.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Args {
    /// The port to listen on [default: a free one]
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    port: u16,

    /// Print one line of JSON with everything a program needs, and nothing else
    #[arg(long)]
    pub(crate) json: bool,

    /// Do not show the requests
    #[arg(short, long)]
    pub(crate) quiet: bool,

    /// Stop when the standard input ends, so that no simulator outlives the program that started it
    #[arg(long)]
    pub(crate) stop_with_stdin: bool,

    /// A JSON file with options; the other arguments go before it
    #[arg(long, value_name = "FILE")]
    options: Option<PathBuf>,

    /// Accept every authorization request at once, without a page
    #[arg(long, conflicts_with = "auto_decline")]
    auto_accept: bool,

    /// Decline every authorization request at once, without a page
    #[arg(long)]
    auto_decline: bool,

    /// The client_id of the integration [default: simulated-integration]
    #[arg(long)]
    client_id: Option<String>,

    /// The client_secret of the integration [default: simulated-secret]
    #[arg(long)]
    client_secret: Option<String>,

    /// A redirect URI of the integration, in place of the usual ones; may be repeated
    #[arg(long, value_name = "URI")]
    redirect_uri: Vec<String>,

    /// A scope that the integration may ask for, in place of the usual ones; may be repeated
    #[arg(long)]
    scope: Vec<String>,

    /// The life of access tokens: 500ms, 90s, 15m, 12h, 14d
    #[arg(long, value_name = "TIME", value_parser = milliseconds)]
    access_lifetime: Option<u64>,

    /// The life of refresh tokens
    #[arg(long, value_name = "TIME", value_parser = milliseconds)]
    refresh_lifetime: Option<u64>,

    /// Answer a new refresh token to each refresh, and revoke all when an old one comes back
    #[arg(long)]
    rotate: bool,

    /// For how long an old refresh token is still taken
    #[arg(long, value_name = "TIME", value_parser = milliseconds)]
    reuse_grace: Option<u64>,

    /// Answer the same access token to refreshes within this time of the last one
    #[arg(long, value_name = "TIME", value_parser = milliseconds)]
    same_token_within: Option<u64>,

    /// What access tokens look like
    #[arg(long)]
    token_style: Option<Tokens>,

    /// What errors look like
    #[arg(long)]
    error_style: Option<Errors>,

    /// Leave token_type out of token answers
    #[arg(long)]
    omit_token_type: bool,

    /// Refuse authorization requests without a code challenge
    #[arg(long)]
    require_pkce: bool,

    /// A fault to begin with, as JSON; may be repeated
    #[arg(long, value_name = "JSON")]
    fault: Vec<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Tokens {
    Opaque,
    Jwt,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Errors {
    ByPath,
    Webex,
    WebexProse,
    Oauth,
}

impl Args {
    pub(crate) fn faults(&self) -> Result<Vec<Fault>, Box<dyn Error>> {
        let faults = self.fault.iter().map(|text| serde_json::from_str(text));
        faults.collect::<Result<_, _>>().map_err(|error| format!("--fault: {error}").into())
    }

    pub(crate) fn options(&self) -> Result<Options, Box<dyn Error>> {
        let mut options = match &self.options {
            None => Options::default(),
            Some(path) => {
                let named = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
                let text = std::fs::read(path).map_err(|error| named(&error))?;
                serde_json::from_slice(&text).map_err(|error| named(&error))?
            }
        };
        if self.port != 0 {
            options.port = self.port;
        }
        if self.auto_accept {
            options.auto_decision = Some(Decision::Accept);
        } else if self.auto_decline {
            options.auto_decision = Some(Decision::Decline);
        }
        replace(&mut options.access_lifetime_ms, self.access_lifetime);
        replace(&mut options.refresh_lifetime_ms, self.refresh_lifetime);
        replace(&mut options.reuse_grace_ms, self.reuse_grace);
        replace(&mut options.same_token_within_ms, self.same_token_within);
        replace(&mut options.token_style, self.token_style.map(Into::into));
        replace(&mut options.error_style, self.error_style.map(Into::into));
        options.rotate |= self.rotate;
        options.omit_token_type |= self.omit_token_type;
        options.require_pkce |= self.require_pkce;
        if let Some(client) = options.clients.first_mut() {
            self.adjust(client);
        }
        Ok(options)
    }

    /// The arguments about the integration are about the first client.
    fn adjust(&self, client: &mut Client) {
        if let Some(id) = &self.client_id {
            if client.id == CLIENT_ID {
                client.name.clone_from(id);
            }
            client.id.clone_from(id);
        }
        if self.client_secret.is_some() {
            client.secret.clone_from(&self.client_secret);
        }
        if !self.redirect_uri.is_empty() {
            client.redirect_uris.clone_from(&self.redirect_uri);
        }
        if !self.scope.is_empty() {
            client.scopes.clone_from(&self.scope);
        }
    }
}

fn replace<T>(target: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *target = value;
    }
}

impl From<Tokens> for TokenStyle {
    fn from(style: Tokens) -> Self {
        match style {
            Tokens::Opaque => Self::Opaque,
            Tokens::Jwt => Self::Jwt,
        }
    }
}

impl From<Errors> for ErrorStyle {
    fn from(style: Errors) -> Self {
        match style {
            Errors::ByPath => Self::ByPath,
            Errors::Webex => Self::Webex,
            Errors::WebexProse => Self::WebexProse,
            Errors::Oauth => Self::Oauth,
        }
    }
}

/// `90s` and its like, in milliseconds.
fn milliseconds(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|char: char| char.is_ascii_alphabetic());
    let unit: u64 = match text.get(digits.len()..).unwrap_or_default() {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err("write a number and ms, s, m, h or d".into()),
    };
    let number: u64 = digits.parse().map_err(|_| "write a whole number before the unit")?;
    number.checked_mul(unit).ok_or_else(|| "that is too long".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_a_unit() {
        assert_eq!(milliseconds("500ms"), Ok(500));
        assert_eq!(milliseconds("14d"), Ok(1_209_600_000));
        assert!(milliseconds("90").is_err());
        assert!(milliseconds("1.5h").is_err());
        assert!(milliseconds("s").is_err());
    }

    #[test]
    fn arguments_change_the_first_client_only() {
        let args = Args::parse_from(["sim", "--client-id", "mine", "--redirect-uri", "https://a.example/cb"]);
        let options = args.options().unwrap();
        assert_eq!(options.clients[0].id, "mine");
        assert_eq!(options.clients[0].redirect_uris, ["https://a.example/cb"]);
        assert_eq!(options.clients[1..], Options::default().clients[1..]);
    }
}
